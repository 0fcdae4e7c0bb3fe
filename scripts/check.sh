#!/usr/bin/env bash
# Format, lint, types, imports. All four are run, whichever fail.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=""

check() { # check NAME COMMAND...
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    "$@" </dev/null || failed="$failed $name"
}

check format .venv/bin/ruff format --check .
# Without a cache: it does not see that a module of ours has come, which moves its import.
check lint .venv/bin/ruff check --no-cache .
check types .venv/bin/mypy
check imports .venv/bin/lint-imports --no-cache --no-logo

printf '\n'
if [ -n "$failed" ]; then
    echo "Failed:$failed"
    exit 1
fi
echo "All checks passed"
