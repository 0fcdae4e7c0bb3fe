#!/usr/bin/env bash
# Run the tests in stages: scripts/test.sh all | fast
#
#   fast   everything but what is below; `all` measures coverage here, which takes twice the time
#   tickets  people at work in tickets of a whole application, on both databases
#   agents the AutoGen suite once more, on pyautogen 0.9
#   crash  servers that are killed, frozen and raced, on both databases, and what takes long
#   operations  backup and restore, secrets, traces and what is deployed, with real servers
#   e2e    real clients in a real browser
#
# A stage that fails does not stop the ones after it. With CI set, what cannot be set up fails the
# run; elsewhere its stage is left out, and the end says so.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
failed="" left_out=""

stage() { # stage NAME COMMAND...
    local name=$1
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    "$@" </dev/null || failed="$failed $name"
}

without() { # without STAGE REASON
    if [ -n "${CI:-}" ]; then
        failed="$failed $1"
    else
        left_out="$left_out $1"
    fi
    printf '\n== %s: NOT RUN, %s\n' "$1" "$2"
}

finish() {
    printf '\n'
    [ -z "$left_out" ] || echo "Not run:$left_out"
    [ -z "$failed" ] || echo "Failed:$failed"
    [ -z "$failed" ]
}

scripts/ensure_venv.sh .venv dev

# Every process of every test reads the code: compile it once.
unset PYTHONDONTWRITEBYTECODE
# SQLite waits for the disk at every commit. Tests kill processes, never the machine.
memory=/dev/shm enough_kb=500000
if [ -w "$memory" ] && [ "$(df -Pk "$memory" | awk 'END { print $4 }')" -gt "$enough_kb" ]; then
    PYTEST_DEBUG_TEMPROOT=$(mktemp -d "$memory/countersign-tests.XXXXXX")
    export PYTEST_DEBUG_TEMPROOT
    trap 'rm -rf "$PYTEST_DEBUG_TEMPROOT"' EXIT
fi

# One worker more than there are processors: some always wait. Those who wait for the polls of a
# ticket system do so for half of their time, and are twice as many.
processors=$(getconf _NPROCESSORS_ONLN)
fast=(.venv/bin/python -m pytest -n $((processors + 1)) --dist worksteal tests
    --ignore=tests/e2e --ignore=tests/crash --ignore=tests/operations
    "--ignore-glob=tests/scenarios/test_ticket*")
tickets=(.venv/bin/python -m pytest -n $((processors * 2)) --dist worksteal
    tests/scenarios/test_ticket*.py)
if [ "$mode" != all ]; then
    stage fast "${fast[@]}"
    stage tickets "${tickets[@]}"
else
    stage fast "${fast[@]}" --cov --cov-report=json:artifacts/coverage.json --cov-report=
    stage coverage .venv/bin/python scripts/coverage_gate.py artifacts/coverage.json
    stage tickets "${tickets[@]}"

    # pyautogen 0.9 says it does not support Python 3.14, so PYTHON may be too new for it.
    python=${PYAUTOGEN_PYTHON:-$(scripts/find_python.sh 13 2>/dev/null ||
        PYTHON="" scripts/find_python.sh 13)} || python=""
    if [ -n "$python" ] && PYTHON=$python scripts/ensure_venv.sh .venv-pyautogen pyautogen; then
        # pyautogen 0.9 looks for Docker; that client does not close its socket if there is none.
        stage agents .venv-pyautogen/bin/python -m pytest -n auto tests/agents \
            -W "ignore:unclosed <socket.socket fd:ResourceWarning"
    else
        without agents "pyautogen 0.9 needs a Python from 3.11 to 3.13 (PYAUTOGEN_PYTHON=...)"
    fi

    # Two at a time: each of them waits much for servers that are gone.
    stage crash .venv/bin/python -m pytest -n 2 --dist loadgroup tests/crash
    stage operations .venv/bin/python -m pytest -n 2 --dist loadscope tests/operations

    if ! chrome=$(scripts/ensure_chromium.sh); then
        without e2e "there is no browser"
    elif ! node=$(scripts/ensure_npm.sh test); then
        without e2e "the npm packages are missing"
    else
        PLAYWRIGHT_NODEJS_PATH=$(scripts/ensure_driver.sh "$node")
        export PLAYWRIGHT_NODEJS_PATH CHROME=$chrome PATH="$(dirname "$node"):$PATH"
        stage e2e .venv/bin/python -m pytest tests/e2e
    fi
fi
finish
