# bash completion of pg_triage; installed as share/bash-completion/completions/pg_triage.

_pg_triage_options() {
    # The program is the one that knows its options: take them from its own help.
    local help
    help=$("$1" ${2:+"$2"} --help 2>/dev/null) || return
    grep -oE -- '(^|[ ,])--?[a-zA-Z?][a-z-]*' <<<"$help" | tr -d ' ,' | grep -v '^-?$' | sort -u
}

_pg_triage_commands() {
    "$1" --help 2>/dev/null | sed -n '/^Subcommands:/,$ s/^  \([a-z]\+\) .*/\1/p'
}

_pg_triage() {
    local program=$1 current=$2 previous=$3
    local command='' word candidates
    COMPREPLY=()

    local commands
    commands=$(_pg_triage_commands "$program")
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if grep -qxF -- "$word" <<<"$commands"; then
            command=$word
            break
        fi
    done

    case $previous in
    --format) candidates='text markdown json' ;;
    --migration) candidates='sql flyway rails django sqitch' ;;
    --severity) candidates='critical high medium low' ;;
    -o | --output)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    -h | --host)
        # Names of hosts, and directories of sockets.
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$current"; compgen -d -- "$current")
        return
        ;;
    -d | --dbname)
        candidates=$(psql -XAtwqc 'SELECT datname FROM pg_catalog.pg_database WHERE datallowconn' \
            template1 2>/dev/null)
        ;;
    -p | --port | -U | --username | --statement-timeout | --top | --max | --budget | --after) return ;;
    *)
        if [[ $current == -* || -n $command ]]; then
            candidates=$(_pg_triage_options "$program" "$command")
        else
            candidates=$commands
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$candidates" -- "$current")
} &&
    complete -F _pg_triage pg_triage
