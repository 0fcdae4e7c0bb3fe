#!/usr/bin/env bash
# Make a virtual environment hold what a lock file says: ensure_venv.sh .venv runtime
#
# Does nothing if that was done already; a changed lock installs again. `dev` contains `runtime`.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 lock=$2

fingerprint() { # of all that is installed; the configuration of tools in pyproject.toml is not
    sed '/^\[tool\./,$d' pyproject.toml | cat "requirements/$1.lock" requirements/build.lock - | cksum
}
stamp() { echo "$venv/.installed-$1"; }

works() {
    "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' \
        </dev/null >/dev/null 2>&1
}

same_python() { # PYTHON=... asks for another one than the environment was made with
    [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -V)" = "$("$venv/bin/python" -V)" ]
}

if works && same_python; then
    if [ "$(cat "$(stamp "$lock")" 2>/dev/null)" = "$(fingerprint "$lock")" ]; then
        exit 0
    fi
else
    python=$(scripts/find_python.sh)
    echo "Creating $venv with $("$python" -V)" >&2
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian and Ubuntu ship the venv module apart, per Python version.
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        scripts/apt_install.sh "python$version-venv" || {
            echo "$python lacks the venv module (Debian and Ubuntu: python$version-venv)" >&2
            exit 1
        }
    fi
    "$python" -m venv --clear "$venv"
fi

echo "Installing requirements/$lock.lock into $venv" >&2
pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@" </dev/null
}
# -qq: what pip says of its own configuration is not news.
with_pip() { pip install -qq "$@" >&2; }
with_uv() { "$venv/bin/uv" pip install --no-config -qq --python "$venv/bin/python" "$@" </dev/null; }
fill() { # fill INSTALLER: a lock is complete, hence --no-deps; build.lock is what builds the others
    "$1" --no-deps --require-hashes -r requirements/build.lock &&
        "$1" --no-deps --require-hashes --no-build-isolation -r "requirements/$lock.lock" &&
        "$1" --no-deps --no-index --no-build-isolation --editable .
}
quickly() { # uv is ten times as quick, has no wheels for some machines, and reads no pip.conf
    pip install -qq --no-deps --require-hashes --only-binary :all: -r requirements/uv.lock \
        2>/dev/null || return
    local configured
    configured=$(pip config list 2>/dev/null)
    setting() { sed -n "s/^[a-z:]*\.$1='\(.*\)'$/\1/p" <<<"$configured" | tail -1; }
    UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$(setting index-url)} \
        UV_FIND_LINKS=${UV_FIND_LINKS:-$(setting find-links)} \
        SSL_CERT_FILE=${SSL_CERT_FILE:-$(setting cert)} fill with_uv
}
rm -f "$(stamp "$lock")"
quickly || fill with_pip

fingerprint "$lock" >"$(stamp "$lock")"
if [ "$lock" = dev ]; then
    fingerprint runtime >"$(stamp runtime)"
fi
