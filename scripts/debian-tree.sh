# Shared by the scripts that need a fresh Debian in a directory, which source it after common.sh.
# shellcheck shell=bash

# make_debian_tree SUITE DIRECTORY PACKAGES: installs the smallest Debian of this release into DIRECTORY, with the
# packages of the directory PACKAGES as a source of apt's, in /packages.
make_debian_tree() {
	local suite=$1 root=$2 packages=$3 log=$2.log

	say "making a Debian $suite in $root"
	debootstrap --variant=minbase "$suite" "$root" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "debootstrap failed; its last words are above"
	}
	rm -f "$log"
	mkdir "$root/packages"
	cp "$packages"/*.deb "$root/packages"
	(cd "$root" && dpkg-scanpackages -m packages) >"$root/packages/Packages" 2>/dev/null
	echo "deb [trusted=yes] file:/ packages/" >"$root/etc/apt/sources.list.d/packages.list"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	in_debian_tree "$root" apt-get -qq update
}

# in_debian_tree DIRECTORY COMMAND...: runs a command in such a tree, with what tracing needs mounted. The mounts belong
# to the command's own mount namespace, so nothing of them is left when it has ended, however it ends.
in_debian_tree() {
	# shellcheck disable=SC2016  # for the shell in the namespace
	unshare --mount --propagation private sh -ec '
		root=$1
		shift
		mount -t proc proc "$root/proc"
		mount -t sysfs sysfs "$root/sys"
		mount -t tracefs tracefs "$root/sys/kernel/tracing"
		mount -t bpf bpf "$root/sys/fs/bpf"
		mount --bind /dev "$root/dev"
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive "$@"
	' sh "$@"
}

# remove_debian_tree DIRECTORY
remove_debian_tree() {
	rm -rf --one-file-system "$1" "$1.log"
}
