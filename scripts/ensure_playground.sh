#!/usr/bin/env bash
# Install the Agents Playground if it is not there and print the path of the node that runs it.
#
# The program is tests/e2e/node/node_modules/@microsoft/m365agentsplayground/cli.js. Exits 0 if it
# is ready, 3 if there is no node, 4 if npm could not install it; why is on standard error.
set -euo pipefail
exec "$(dirname "$0")/ensure_npm.sh" run
