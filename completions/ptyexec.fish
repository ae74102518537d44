# fish completion for ptyexec(1), which knows itself how a command line can go on.

function __ptyexec_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer (command $words[1] complete -- $words[2..] 2>/dev/null)
    switch $answer[1]
        case words
            string join \n -- $answer[2..]
        case files
            __fish_complete_path (commandline -ct)
        case dirs
            __fish_complete_directories (commandline -ct)
        case 'command *'
            set -l first (math 2 + (string replace 'command ' '' $answer[1]))
            __fish_complete_subcommand --commandline $words[$first..]
    end
end

complete -c ptyexec -f -a '(__ptyexec_complete)'
