# tools/env.sh - what the scripts of tools/ share; sourced, not run
#
# SPDX-License-Identifier: Apache-2.0

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's own Python first: its headers, meson and pytest are what set-up installs.
PATH=/usr/bin:$PATH
export PATH

# Everything downloaded for the build and not a Debian package lives in here.
DEPS=$ROOT/.deps

GO_VERSION=1.25.4
GO_OLDEST=1.25
CARGO_OLDEST=1.85
BAO_OLDEST=2.5

# at_least 1.23.4 1.21: whether the first version is not older than the second.
at_least() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Prints the first `$1` in PATH or DEPS whose version, cut out by the sed script $3, is at least $2.
find_tool() {
    local dir version
    IFS=: read -ra dirs <<<"$PATH:$DEPS/bin"
    for dir in "${dirs[@]}"; do
        # What is preferred is a link to one that was found: found itself, it would lead to itself.
        [ "$dir" != "$DEPS/first" ] && [ -x "$dir/$1" ] || continue
        version=$("$dir/$1" version 2>/dev/null | sed -nE "$3" | head -n 1)
        [ -n "$version" ] || version=$("$dir/$1" --version 2>/dev/null | sed -nE "$3" | head -n 1)
        if [ -n "$version" ] && at_least "$version" "$2"; then
            echo "$dir/$1"
            return 0
        fi
    done
    return 1
}

find_go() {
    find_tool go "$GO_OLDEST" 's/^go version go([0-9.]+).*/\1/p'
}

find_cargo() {
    find_tool cargo "$CARGO_OLDEST" 's/^cargo ([0-9.]+).*/\1/p'
}

# The server of tests/cli/test_vault.py.
find_bao() {
    find_tool bao "$BAO_OLDEST" 's/^OpenBao v([0-9.]+).*/\1/p'
}

# Puts the directory of a tool first in PATH, if there is such a tool.
prefer() {
    local tool
    tool=$("find_$1") || return 0
    mkdir -p "$DEPS/first"
    ln -sfn "$tool" "$DEPS/first/$1"
    case ":$PATH:" in
        *":$DEPS/first:"*) ;;
        *) PATH=$DEPS/first:$PATH ;;
    esac
}

# The toolchains that set-up found or installed, for the build.
use_toolchains() {
    prefer go
    prefer bao
    export GOFLAGS="${GOFLAGS:-} -modcacherw"
    export GOTOOLCHAIN=local
    export PATH
}

# Makes $ROOT/$1 a build directory with the options in the further arguments. One that is there
# keeps what else it was given; ninja sees for itself whether an option changed.
configure() {
    local dir=$1
    shift
    if [ ! -f "$ROOT/$dir/build.ninja" ]; then
        meson setup "$ROOT/$dir" "$ROOT" "$@"
    elif [ $# -gt 0 ]; then
        meson configure "$ROOT/$dir" "$@"
    fi
}
