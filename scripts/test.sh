#!/usr/bin/env bash
# Run the tests in stages: scripts/test.sh all | fast
#
#   fast   the short loop: on SQLite, one case of each parametrised test, nothing that takes long
#   all    everything, in these stages:
#
#   main   everything but what is below, with coverage
#   coverage  whether that is enough
#   tickets  people at work in tickets of a whole application, on both databases
#   crash  servers that are killed, frozen and raced, on both databases, and what takes long
#   operations  backup and restore, secrets, traces and what is deployed, with real servers
#   e2e    real clients in a real browser
#   zapier the app for Zapier, on its vendor's packages
#   agents the AutoGen suite once more, on pyautogen 0.9
#
# What a stage has printed is shown when it is over, and stays in artifacts/stages.
#
# A stage that fails does not stop the ones after it. With CI set, what cannot be set up fails the
# run; elsewhere its stage is left out, and the end says so.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
stages=artifacts/stages
rm -rf "$stages"
mkdir -p "$stages"

say() { printf '%s\n' "$@"; }

stage() { # stage NAME COMMAND...
    local name=$1 started=$SECONDS status=0
    shift
    say "== $name: started"
    local TIMEFORMAT='%U %S'
    { time "$@" </dev/null >"$stages/$name.log" 2>&1; } 2>"$stages/$name.cpu" || status=$?
    local took="$((SECONDS - started)) s"
    took+=", $(awk 'END { printf "%.0f", $1 + $2 }' "$stages/$name.cpu") s of CPU"
    [ "$status" = 0 ] || echo "$name" >>"$stages/failed"
    say "== $name ($took): $*" "$(cat "$stages/$name.log")" \
        "== $name: $([ "$status" = 0 ] && echo passed || echo FAILED) in $took" ""
}

tests() { # tests NAME PYTHON ARGUMENTS...: a stage of pytest
    local name=$1 python=$2
    shift 2
    stage "$name" "$python" -m pytest --junitxml="$stages/$name.xml" "$@"
}

without() { # without STAGE REASON
    if [ -n "${CI:-}" ]; then
        echo "$1" >>"$stages/failed"
    else
        echo "$1" >>"$stages/left_out"
    fi
    say "== $1: NOT RUN, $2"
}

finish() {
    .venv/bin/python scripts/slowest.py "$stages"/*.xml
    say "" "All in $SECONDS s"
    [ ! -e "$stages/left_out" ] || echo "Not run:" $(cat "$stages/left_out")
    [ ! -e "$stages/failed" ] || echo "Failed:" $(cat "$stages/failed")
    [ ! -e "$stages/failed" ]
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

python=.venv/bin/python
processors=$(getconf _NPROCESSORS_ONLN)
elsewhere=(--ignore=tests/e2e --ignore=tests/crash --ignore=tests/operations
    --ignore=tests/examples/test_zapier.py
    "--ignore-glob=tests/scenarios/test_ticket*")

if [ "$mode" = fast ]; then
    "$python" -m pytest -p tests.workers --workers "$processors" --quick --durations=10 tests \
        "${elsewhere[@]}" </dev/null
    exit
fi

computing() {
    COUNTERSIGN_COVERAGE=$PWD/artifacts/coverage.json tests main "$python" -p tests.covered \
        -p tests.workers --workers $((processors + 1)) --stored tests "${elsewhere[@]}"
    stage coverage "$python" scripts/coverage_gate.py artifacts/coverage.json
}

waiting() {
    # Two at a time: each of them waits much for servers that are gone.
    tests crash "$python" -p tests.workers --workers 2 tests/crash
    # Those who wait for the polls of a ticket system do so for half of their time.
    tests tickets "$python" -p tests.workers --workers $((processors * 2)) \
        tests/scenarios/test_ticket*.py
    tests operations "$python" -n 2 --dist loadscope tests/operations
}

browser() {
    if [ -z "$chrome" ]; then
        without e2e "there is no browser"
    elif [ -z "$node" ]; then
        without e2e "the npm packages are missing"
    else
        PLAYWRIGHT_NODEJS_PATH=$(scripts/ensure_driver.sh "$node")
        # One at a time: two browsers on two processors lose what is typed and clicked early.
        PLAYWRIGHT_NODEJS_PATH=$PLAYWRIGHT_NODEJS_PATH CHROME=$chrome \
            PATH="$(dirname "$node"):$PATH" tests e2e "$python" tests/e2e
        PATH="$(dirname "$node"):$PATH" tests zapier "$python" tests/examples/test_zapier.py
    fi
}

other_autogen() {
    # pyautogen 0.9 says it does not support Python 3.14, so PYTHON may be too new for it.
    local older
    older=${PYAUTOGEN_PYTHON:-$(scripts/find_python.sh 13 2>/dev/null ||
        PYTHON="" scripts/find_python.sh 13)} || older=""
    if [ -n "$older" ] && PYTHON=$older scripts/ensure_venv.sh .venv-pyautogen pyautogen; then
        # pyautogen 0.9 looks for Docker; that client does not close its socket if there is none.
        # What the store is does not depend on which AutoGen there is.
        tests agents .venv-pyautogen/bin/python -p tests.workers --workers "$processors" \
            --in-memory tests/agents \
            -W "ignore:unclosed <socket.socket fd:ResourceWarning"
    else
        without agents "pyautogen 0.9 needs a Python from 3.11 to 3.13 (PYAUTOGEN_PYTHON=...)"
    fi
}

"$python" -m tests.doubles.postgres >"$stages/postgres.log" 2>&1 </dev/null &
postgres=$!
until [ -s "$stages/postgres.log" ]; do sleep 0.2; done

cleanup() {
    kill "$postgres" 2>/dev/null && wait "$postgres" || true
    rm -rf "${PYTEST_DEBUG_TEMPROOT:-}"
}
trap cleanup EXIT

# Pages are looked at in the first stage, too: with a browser, and with axe-core from npm.
chrome=$(scripts/ensure_chromium.sh) || chrome=""
node=$(scripts/ensure_npm.sh test) || node=""
[ -z "$chrome" ] || export CHROME=$chrome

computing
other_autogen
waiting
browser
finish
