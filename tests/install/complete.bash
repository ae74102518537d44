# Prints what bash offers for a command line: bash complete.bash COMPLETION WORD...
# shellcheck shell=bash disable=SC1090,SC1091
. /usr/share/bash-completion/bash_completion
. "$1"
shift
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ptyexec
[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
