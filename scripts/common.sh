# Shared by the scripts of this folder, which source it. The build tree is $EBCC_BUILD, or build/ in the repository.
# shellcheck shell=bash

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${EBCC_BUILD:-$repository/build}

# Says what is being done, so that a reader of the output knows where a failure belongs.
say() {
	printf '== %s\n' "$*"
}

# Ends the script with a message.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Tracing needs root, and so does installing packages.
need_root() {
	[ "$(id -u)" -eq 0 ] || die "run this as root: BPF programs can't be loaded without privileges"
}

# mount_if_absent TYPE DIRECTORY [OPTIONS]: mounts one of the kernel's file systems where it is expected to be.
mount_if_absent() {
	if [ "$(stat -f -c %T "$2" 2>/dev/null)" = "$1" ] || grep -q " $2 $1 " /proc/self/mounts; then
		return 0
	fi
	say "mounting $1 at $2, which this machine lacked"
	mkdir -p "$2" 2>/dev/null
	mount -t "$1" "$1" "$2" || die "cannot mount $1 at $2: tracing needs it; in a container, allow it to mount file systems"
}

# Mounts what tracing needs.
mount_trace_file_systems() {
	mount_if_absent tracefs /sys/kernel/tracing
	mount_if_absent debugfs /sys/kernel/debug
	mount_if_absent bpf /sys/fs/bpf
}

# build_tree [CMAKE OPTIONS...]: configures and builds. Nothing is done when nothing has changed.
build_tree() {
	say "building in $build"
	mkdir -p "$build"
	cmake -S "$repository" -B "$build" -G Ninja "$@" >"$build/configure.log" 2>&1 || {
		cat "$build/configure.log" >&2
		die "cmake failed"
	}
	ninja -C "$build" || die "the build failed"
}
