#!/usr/bin/env bash
# Serve the repository's configuration with the Agents Playground, set up if it can be: run.sh [options]
set -euo pipefail
cd "$(dirname "$0")/.."
if node=$(scripts/ensure_playground.sh); then
    PATH="$(dirname "$node"):$PATH"
    COUNTERSIGN_PLAYGROUND=$PWD/tests/e2e/node/node_modules
    export PATH COUNTERSIGN_PLAYGROUND
fi
exec .venv/bin/countersign run "$@"
