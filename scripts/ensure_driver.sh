#!/usr/bin/env bash
# Print the node that Playwright's driver shall run on: its own, else the one given.
#
# The node in Playwright's wheel needs libatomic, which a minimal Debian does not have.
set -euo pipefail
cd "$(dirname "$0")/.."
node=$1

own=$(.venv/bin/python -c 'from pathlib import Path
import playwright
print(Path(playwright.__file__).parent / "driver" / "node")')
runs() { "$own" --version </dev/null >/dev/null 2>&1; }

if runs || { scripts/apt_install.sh libatomic1 && runs; }; then
    echo "$own"
else
    echo "$node"
fi
