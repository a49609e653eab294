#!/bin/sh
# Installs Suwen from this folder into a new virtual environment, and asks no network for anything:
#   sh install.sh FOLDER        PYTHON=... names another Python than the first fitting one
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=${1:-}
if [ -z "$target" ]; then
    echo "suwen: no folder was named. Expected: sh install.sh FOLDER" >&2
    exit 2
fi
if [ -e "$target" ] && [ -n "$(ls -A "$target" 2>/dev/null)" ]; then
    echo "suwen: $target is not empty. Expected: a new or empty folder." >&2
    exit 2
fi

python=
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    echo "suwen: no Python 3.11 to 3.13 with its modules venv and ensurepip was found (looked for: ${PYTHON:-python3.13 python3.12 python3.11 python3})." >&2
    echo "       Install one (on Debian and Ubuntu also python3-venv), or name it: PYTHON=... sh install.sh $target" >&2
    exit 2
fi

cd "$here"
if ! sha256sum --check --quiet SHA256SUMS >&2; then
    echo "suwen: files of this bundle are missing or damaged; nothing was installed. Copy the archive again." >&2
    exit 2
fi

"$python" -m venv "$target"
# whatever this machine's pip is told elsewhere: nothing but these wheels
export PIP_NO_INDEX=1 PIP_FIND_LINKS=wheels PIP_CONFIG_FILE=/dev/null
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r run.lock
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps wheels/suwen-*.whl
"$target/bin/suwen" --version
echo "installed into $target; next: $target/bin/suwen new REGION, and docs/guide/production.md"
