#!/bin/sh
# Makes .venv hold what requirements/<name>.lock says, and this project as it stands. Called by make, from the project's root:
#   sh requirements/setup.sh dev      a new environment whenever what it was made from has changed
#   sh requirements/setup.sh spark    adds to it what the deep tests need
# Where packages come from is the machine's affair: pip's own settings hold.
set -eu

name=$1
lock=requirements/$name.lock
venv=.venv
stamp=$venv/.$name

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
                command -v "$candidate"
                return
            fi
            bare=$candidate
        fi
    done
    if [ -n "${bare:-}" ]; then
        echo "suwen: $bare cannot make virtual environments: its module venv or ensurepip is missing." >&2
        echo "       Expected: a Python with both. On Debian and Ubuntu: apt install python3-venv" >&2
    else
        echo "suwen: no Python 3.11 or later found (looked for: ${PYTHON:-python3.13 python3.12 python3.11 python3})." >&2
        echo "       Install one, or name it: make setup PYTHON=/path/to/python" >&2
    fi
    return 2
}

holds() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
pip_install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

# The folder is part of the key because an environment does not survive being moved.
locked="$(cat "$lock" requirements/setup.sh | cksum) $PWD"
if ! holds "$stamp" "$locked" || ! "$venv/bin/python" -c '' 2>/dev/null; then
    if [ "$name" = dev ]; then
        python=$(find_python)
        echo "suwen: making $venv with $python from $lock"
        rm -rf "$venv"
        "$python" -m venv "$venv"
    else
        echo "suwen: adding $lock to $venv"
    fi
    pip_install --require-hashes -r "$lock"
    printf '%s\n' "$locked" > "$stamp"
fi

project=$(cksum < pyproject.toml)
if ! holds "$venv/.project" "$project"; then
    pip_install --no-deps --no-build-isolation -e .
    printf '%s\n' "$project" > "$venv/.project"
fi
