#!/bin/sh
# Make .venv and install the locked dependencies, unless that was done already: config/install.sh runtime|dev
set -eu
cd "$(dirname "$0")/.."
locked="requirements/$1.txt"

fail() {
    echo "Stepwell cannot be set up: $1" >&2
    exit 1
}

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ ! -x .venv/bin/python ] || ! is_new_enough .venv/bin/python; then
    python=""
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_new_enough "$candidate"; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        found=$("${PYTHON:-python3}" -V 2>/dev/null || echo "no ${PYTHON:-python3}")
        fail "it needs Python 3.11 or newer, and here is $found; install one, or name it with PYTHON=/path/to/python."
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module; on Debian and Ubuntu: sudo apt install python3-venv"
    echo "Making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv || fail "$python could not make .venv; see above."
fi

# What was installed last, for which Python: a changed lock file or a new Python installs again.
wanted="$(cksum <"$locked") $(.venv/bin/python -V)"
stamp=".venv/installed-$1"
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "Installing the locked dependencies ($locked); the first time takes a minute or two"
    rm -f "$stamp"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$locked" ||
        fail "the dependencies could not be installed; see above."
    echo "$wanted" >"$stamp"
fi
