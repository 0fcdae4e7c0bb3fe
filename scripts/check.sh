#!/usr/bin/env bash
# Format, lint, types, imports. All four are run, whichever fail: types take as long as the others.
set -euo pipefail
cd "$(dirname "$0")/.."
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
failed=""
names=() begun=()

check() { # check NAME COMMAND...: begin it
    local name=$1
    shift
    "$@" </dev/null >"$said/$name" 2>&1 &
    begun+=($!)
    names+=("$name")
}

check types .venv/bin/mypy
check format .venv/bin/ruff format --check .
# Without a cache: it does not see that a module of ours has come, which moves its import.
check lint .venv/bin/ruff check --no-cache .
check imports .venv/bin/lint-imports --no-cache --no-logo

for number in "${!names[@]}"; do
    name=${names[$number]}
    wait "${begun[$number]}" || failed="$failed $name"
    printf '\n== %s\n' "$name"
    cat "$said/$name"
done

printf '\n'
if [ -n "$failed" ]; then
    echo "Failed:$failed"
    exit 1
fi
echo "All checks passed"
