#compdef ebcc
# SPDX-License-Identifier: Apache-2.0
# zsh completion for ebcc. Installed as share/zsh/vendor-completions/_ebcc.

_ebcc_commands() {
	local -a commands tools
	commands=(
		'run:attach the programs of a source or an object and print what they find'
		'build:compile a source to an object; show what the verifier says'
		'bundle:write a Python script with all that it compiles into one file'
		'probes:list what can be traced, with arguments and types'
		'doctor:show what this kernel, user and installation can do'
		'cache:list, check or remove what earlier compiles left on the disk'
		'help:show the options of a sub-command, with examples'
		'version:show the version of ebcc'
	)
	tools=(bashreadline biolatency execsnoop funccount funclatency gethostlatency killsnoop memleak offcputime opensnoop
		profile softirqs sslsniff stackcount syncsnoop)
	_describe -t commands 'sub-command' commands
	_describe -t tools 'tool' tools
}

_ebcc_probes() {
	local -a kinds names
	kinds=(kprobe kretprobe tracepoint rawtracepoint fentry fexit lsm iter uprobe uretprobe usdt)
	case $PREFIX in
	uprobe:* | uretprobe:* | usdt:*)
		compset -P '*:'
		_files
		;;
	*:*)
		names=(${(f)"$(ebcc probes "${PREFIX}*" 2>/dev/null | head -n 1000)"})
		compadd -a names
		;;
	*)
		compadd -S : -a kinds
		;;
	esac
}

_ebcc() {
	local -a compiling json
	local curcontext=$curcontext state line
	json=('--json[print JSON]' '(-h --help)'{-h,--help}'[show options and examples]')
	compiling=(
		$json
		'*-D+[define a macro]:macro'
		'*-U+[undefine a macro]:macro'
		'*-I+[search headers in a directory]:directory:_directories'
		'*-W+[warning flags]:flag'
		'*--include[include a header first]:header:_files'
		'--portable[make an object for other kernels]'
		'--kernel-root[compile for the kernel of this directory]:directory:_directories'
		'--btf[compile against the types of this file]:file:_files'
	)
	_arguments -C '(- *)'{-h,--help}'[list sub-commands]' '(- *)--version[show the version]' \
		'1:command:_ebcc_commands' '*::argument:->argument'
	[[ $state = argument ]] || return
	case $words[1] in
	build)
		_arguments $compiling '(-o --output)'{-o+,--output}'[where to write the object]:file:_files' \
			'--verify[load it, and show the verdicts]' '1:file:_files'
		;;
	run)
		_arguments $compiling '(-d --duration)'{-d+,--duration}'[end after a time]:seconds' \
			'*--set[set a variable]:NAME=VALUE' '*--event[say the type of events]:BUFFER=TYPE' '1:file:_files'
		;;
	bundle)
		_arguments '(- *)'{-h,--help}'[show options and examples]' \
			'(-o --output --store)'{-o+,--output}'[where to write the bundle]:file:_files' \
			'--store[add the objects to a store]:directory:_directories' \
			'(-p --python)'{-p+,--python}'[what starts the bundle]:interpreter:_files' \
			'--run[let the script run]' '--duration[interrupt it after a time]:seconds' \
			'--kernel-root[compile for the kernel of this directory]:directory:_directories' '*:script:_files'
		;;
	probes)
		_arguments $json '(-v --verbose)'{-v,--verbose}'[show arguments]' \
			'*--kind[only this kind]:kind:(kprobe kretprobe tracepoint rawtracepoint fentry fexit lsm iter uprobe uretprobe usdt)' \
			'(-p --pid)'{-p+,--pid}'[files of a process]:pid:_pids' '1:pattern:_ebcc_probes'
		;;
	cache) _arguments $json '1:action:(list clear verify)' ;;
	doctor | version) _arguments $json ;;
	help) _arguments '1:command:_ebcc_commands' ;;
	*) _default ;;
	esac
}

_ebcc "$@"
