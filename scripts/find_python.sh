#!/usr/bin/env bash
# Print the first Python from 3.11 on that works; `find_python.sh 13` wants at most 3.13.
#
# PYTHON names one instead and is then the only one tried.
set -euo pipefail
newest=${1:-99}

suits() {
    "$1" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $newest))" \
        </dev/null >/dev/null 2>&1
}

for name in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3}; do
    # Tried by running it: a pyenv shim can be on the PATH without its Python.
    if suits "$name"; then
        "$name" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done

if [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON does not run, or is not Python 3.11 or newer" >&2
else
    echo "Countersign needs Python 3.11 or newer, and none was found on the PATH." >&2
    echo "  Debian 12, Ubuntu 24.04 or newer:  sudo apt-get install python3 python3-venv" >&2
    echo "  macOS:                             brew install python@3.13" >&2
    echo "  or name one:                       make PYTHON=/path/to/python3 ..." >&2
fi
exit 1
