# SPDX-License-Identifier: Apache-2.0
# bash completion for ebcc. Installed as share/bash-completion/completions/ebcc.
# shellcheck shell=bash

# Offers the words that begin with the current one.
_ebcc_words() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Probes are written KIND:..., and bash takes each part between colons for a word of its own.
_ebcc_probes() {
	local kinds="kprobe: kretprobe: tracepoint: rawtracepoint: fentry: fexit: lsm: iter: uprobe: uretprobe: usdt:"
	local whole=${COMP_LINE:0:COMP_POINT}
	local before
	whole=${whole##*[[:space:]]}
	whole=${whole#[\'\"]}
	before=${whole%"${whole##*:}"}
	case $whole in
	uprobe:* | uretprobe:* | usdt:*)
		mapfile -t COMPREPLY < <(compgen -f -- "${whole#*:}")
		;;
	*:*)
		mapfile -t COMPREPLY < <(compgen -W "$(ebcc probes "$whole*" 2>/dev/null | head -n 1000)" -- "$whole")
		COMPREPLY=("${COMPREPLY[@]#"$before"}")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "$kinds" -- "$whole")
		;;
	esac
	compopt -o nospace
}

_ebcc() {
	local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local commands="run build bundle probes doctor cache help version"
	local tools="bashreadline biolatency execsnoop funccount funclatency gethostlatency killsnoop memleak offcputime opensnoop profile
		softirqs sslsniff stackcount syncsnoop"
	local compiling="--help --json --portable --kernel-root --btf --include"

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		_ebcc_words "$commands $tools --help --version"
		return
	fi
	case $command:$cur in
	build:-*) _ebcc_words "$compiling --output --verify" ;;
	run:-*) _ebcc_words "$compiling --duration --set --event" ;;
	bundle:-*) _ebcc_words "--help --output --store --python --run --duration --kernel-root" ;;
	probes:-*) _ebcc_words "--help --json --verbose --kind --pid" ;;
	doctor:-* | cache:-* | version:-*) _ebcc_words "--help --json" ;;
	build:* | run:* | bundle:*)
		compopt -o filenames
		case $previous in
		--kernel-root | --store) mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		esac
		;;
	probes:*)
		case $previous in
		--kind) _ebcc_words "kprobe kretprobe tracepoint rawtracepoint fentry fexit lsm iter uprobe uretprobe usdt" ;;
		*) _ebcc_probes ;;
		esac
		;;
	cache:*) _ebcc_words "list clear verify" ;;
	help:*) _ebcc_words "$commands $tools" ;;
	*)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}

complete -F _ebcc ebcc
