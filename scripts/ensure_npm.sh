#!/usr/bin/env bash
# Fill tests/e2e/node/node_modules from its lock file: ensure_npm.sh run | test
#
# `run` is the Agents Playground alone; `test` adds Web Chat (500 MB), which only tests need. Prints
# the path of node on standard output, everything else on standard error. Does nothing if that was
# done already. Exits 3 if there is no node, 4 if npm fails.
set -euo pipefail
cd "$(dirname "$0")/.."
what=$1 directory=tests/e2e/node

bin=$(scripts/ensure_node.sh) || exit 3
export PATH="$bin:$PATH"

fingerprint() { cat "$directory/package.json" "$directory/package-lock.json" | cksum; }
stamp() { echo "$directory/node_modules/.installed-$1"; }

if [ "$(cat "$(stamp "$what")" 2>/dev/null)" != "$(fingerprint)" ]; then
    options=()
    if [ "$what" = run ]; then
        options=(--omit=dev)
    fi
    echo "Installing the npm packages of $directory" >&2
    (cd "$directory" && npm ci --loglevel=error ${options[@]+"${options[@]}"} </dev/null >&2) || {
        echo "npm ci failed in $directory: is the npm registry reachable?" >&2
        exit 4
    }
    fingerprint >"$(stamp run)"
    if [ "$what" = test ]; then
        fingerprint >"$(stamp test)"
    fi
fi
echo "$bin/node"
