# usage: zsh -f zsh.zsh SCRIPT LINE...   What the completion in SCRIPT offers at the end of each line, one line of words each.
# Completion runs in the line editor alone, so an interactive zsh is driven through a pseudo-terminal.
zmodload zsh/zpty
script=$1
shift
zpty inner zsh -f -i
zpty -w inner 'PS1=; stty -echo; autoload -U compinit; compinit -u -D'
# What would be shown is written down as well; calls with -O, -A or -D only ask.
zpty -w inner 'typeset -a offered
compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    local -a matching
    builtin compadd -A matching "$@"
    offered+=($matching)
  fi
  builtin compadd "$@"
}
tell() { offered=(); zle complete-word; zle kill-buffer; zle -I; print -r -- "<<${(j: :)offered}>>" }
zle -N tell
bindkey "^I" tell'
zpty -w inner "source $script; print rea'dy'"
zpty -r inner out '*ready*'
for line in "$@"; do
  zpty -n -w inner "$line"$'\t'
  zpty -r inner out '*<<*>>*'
  print -r -- "${${out##*<<}%%>>*}"
done
zpty -d inner
