# Prints what zsh offers for a command line: zsh -f complete.zsh FOLDER LINE
# It types the line into a shell on a terminal, where what would be shown is printed instead.
zmodload zsh/zpty
zpty shell zsh -f -i
{
	zpty -w shell "fpath=(${(q)1} \$fpath) PS1= PS2= TERM=dumb; stty -echo; unsetopt zle_bracketed_paste 2>/dev/null"
	zpty -w shell 'autoload -Uz compinit; compinit -D -u; zmodload zsh/complist
compadd() {
	[[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] && { builtin compadd "$@"; return }
	local -a hits
	builtin compadd -A hits "$@"
	print -rl -- "HIT:"${^hits}
	builtin compadd "$@"
}
finished() { print END; compstate[insert]= }
comppostfuncs=(finished)
zstyle ":completion:*" list-grouped false
bindkey "^I" complete-word
print READY'
	while zpty -r shell line && [[ $line != *READY* ]]; do :; done
	zpty -n -w shell "$2"$'\t'
	while zpty -r shell line && [[ $line != *END* ]]; do
		[[ $line == *HIT:* ]] && print -r -- "${${line##*HIT:}%$'\r\n'}"
	done
} always {
	zpty -d shell
}
exit 0
