#!/usr/bin/env bash
# Recompute every lock file from pyproject.toml and requirements/build.in (`make lock`).
#
# Needs uv; the files can be installed by plain pip. Versions already locked are kept; pass
# `--upgrade` or `--upgrade-package NAME` to move them. No index is written into the files, and uv's
# own configuration is ignored so that the hashes are the public ones.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null; then
    echo "make lock needs uv: python3 -m pip install uv (or pipx install uv)" >&2
    exit 1
fi

compile() { # compile NAME SOURCE [uv options...]
    local name=$1 source=$2
    shift 2
    uv pip compile "$source" --no-config --quiet \
        --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --annotation-style line \
        --output-file "requirements/$name.lock" "$@"
    echo "requirements/$name.lock: $(grep -c '==' "requirements/$name.lock") packages"
}

compile dev pyproject.toml --extra classic --extra dev "$@"
# The others take the versions of dev.lock wherever they have a package in common.
compile build requirements/build.in --constraint requirements/dev.lock "$@"
compile runtime pyproject.toml --extra classic --extra otel --extra sandbox --extra slack --extra uses --constraint requirements/dev.lock "$@"
compile pyautogen pyproject.toml --extra pyautogen --extra sandbox --extra slack --extra test --extra uses \
    --constraint requirements/dev.lock "$@"
compile node requirements/node.in "$@"
compile uv requirements/uv.in "$@"
