# usage: fish fish.fish SCRIPT LINE...   What the completion in SCRIPT offers at the end of each line, one line of words each.
source $argv[1]
for line in $argv[2..-1]
    echo (complete -C $line | string replace -r '\t.*' '')
end
