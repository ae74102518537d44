# bash completion for ptyexec(1), which knows itself how a command line can go on.

_ptyexec()
{
	# shellcheck disable=SC2034 # _init_completion fills them all
	local cur prev words cword answer breaks kept=''
	_init_completion -n := || return
	mapfile -t answer < <("${words[0]}" complete -- "${words[@]:1:cword}" 2>/dev/null)

	# Words end at these for readline, which keeps what stands before the last one.
	breaks=${COMP_WORDBREAKS//[^:=]/}
	[[ $breaks ]] && kept=${cur%"${cur##*["$breaks"]}"}

	case ${answer[0]} in
	words)
		COMPREPLY=("${answer[@]:1}")
		COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
		COMPREPLY=("${COMPREPLY[@]#"$kept"}")
		;;
	files)
		cur=${cur#--*=}
		_filedir
		;;
	dirs)
		cur=${cur#--*=}
		_filedir -d
		;;
	command*)
		_command_offset "$((COMP_CWORD - cword + 1 + ${answer[0]#command }))"
		;;
	esac
} &&
	complete -F _ptyexec ptyexec
