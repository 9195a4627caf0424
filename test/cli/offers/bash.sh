# usage: bash bash.sh SCRIPT LINE...   What the completion in SCRIPT offers at the end of each line, one line of words each.
source "$1"
shift
for line in "$@"; do
  # readline takes a line apart at blanks, and around an equals sign.
  read -ra COMP_WORDS <<< "${line//=/ = }"
  [[ $line == *' ' ]] && COMP_WORDS+=('')
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _op_dbus
  echo "${COMPREPLY[*]}"
done
