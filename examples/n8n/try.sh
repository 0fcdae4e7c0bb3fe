#!/usr/bin/env bash
# Try the two workflows in a real n8n on this machine: try.sh DIRECTORY
#
# Needs Node 20 to 24, npx, and the whole npm registry: a dependency of n8n (xlsx) comes from its
# vendor's own server. n8n keeps what it makes in DIRECTORY. CI does not run this.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
export N8N_USER_FOLDER N8N_PORT=5678 N8N_DIAGNOSTICS_ENABLED=false
N8N_USER_FOLDER=$(cd "$1" && pwd)
n8n() { npx --yes n8n@2.41.3 "$@"; }
for workflow in "$here"/*.json; do
    n8n import:workflow --input="$workflow"
done
echo "Open http://localhost:5678, fill in Settings and the credentials (docs/n8n.md), and publish."
n8n start
