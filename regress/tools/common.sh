# Shared by the scripts here; sourced, not run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*"; }
step() { printf '\n== %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# The server to build for: PG_CONFIG where it is given, else the newest one that is installed, else the
# newest one that apt knows. Sets `major`, and `pg_config` (which may not be there yet).
choose_server() {
    local path
    if [ -n "${PG_CONFIG:-}" ]; then
        pg_config=$(command -v "$PG_CONFIG" || printf '%s' "$PG_CONFIG")
        if [ -x "$pg_config" ]; then
            # Debian's /usr/bin/pg_config is a script that finds the real one.
            path=$("$pg_config" --bindir)/pg_config
            [ ! -x "$path" ] || pg_config=$path
            major=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
        else
            major=$(printf '%s' "$pg_config" | sed -n 's,^/usr/lib/postgresql/\([0-9]*\)/bin/pg_config$,\1,p')
            [ -n "$major" ] || die "there is no program \"$PG_CONFIG\"" \
                "PG_CONFIG names the pg_config of the server to build for."
        fi
        return
    fi
    major=$(for path in /usr/lib/postgresql/*/bin/postgres; do
        [ ! -x "$path" ] || printf '%s\n' "$path"
    done | cut -d/ -f5 | sort -n | tail -1)
    [ -n "$major" ] || major=$(newest_packaged_server)
    if [ -n "$major" ]; then
        pg_config=/usr/lib/postgresql/$major/bin/pg_config
    elif pg_config=$(command -v pg_config); then
        major=$("$pg_config" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
    else
        die "found no PostgreSQL server, and no package of one" \
            "Install PostgreSQL 15 or newer with its development files, and name its pg_config:" \
            "make check PG_CONFIG=/path/to/pg_config"
    fi
}

newest_packaged_server() {
    command -v apt-cache > /dev/null || return 0
    apt-cache --names-only search '^postgresql-server-dev-[0-9]+$' | sed 's/^postgresql-server-dev-\([0-9]*\).*/\1/' |
        sort -n | tail -1
}

# PostgreSQL's programs refuse to run as root. Root's tests run as nobody, or as the owner of the tree
# (`sudo make check`), who then builds, too. Sets `runner`, empty where no change of user is needed.
choose_runner() {
    runner=
    [ "$(id -u)" = 0 ] || return 0
    runner=$(stat -c %U "$top")
    [ "$runner" != root ] && [ "$runner" != UNKNOWN ] || runner=nobody
}

# as_user USER COMMAND…: without root's rights, and with nothing of root's environment that could hurt.
as_user() {
    local user=$1
    shift
    setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --inh-caps=-all --no-new-privs \
        env HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" "$@"
}

# run_again_as_owner SCRIPT ARGUMENT…: for `sudo make …`. From here on everything belongs to the tree's owner.
run_again_as_owner() {
    as_user "$runner" PG_CONFIG="$pg_config" "$top/regress/tools/$@" && exit 0
    exit 1
}

show_build_errors() {
    grep -E -A8 '(error|warning):|\*\*\*' "$1" | head -60 || tail -40 "$1"
}

# make_in_tree TARGET…: the options that a user's own make was called with are not for this one.
make_in_tree() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES \
        make -C "$top" -j"$(nproc)" --no-print-directory WERROR=-Werror FAULTS="${FAULTS:-}" PG_CONFIG="$pg_config" "$@"
}

# Builds the extension and the advisor in the tree, and puts them into the tree's own copy of the server,
# build/server-N. Sets `server`, the copy's prefix, and `bindir`.
build_server() {
    server=$top/build/server-$major
    bindir=$server$("$pg_config" --bindir)
    make_in_tree all advisor &&
        "$top/regress/tools/private-server" "$server" "$pg_config" &&
        make_in_tree install install-advisor PG_CONFIG="$bindir/pg_config"
}
