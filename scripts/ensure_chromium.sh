#!/usr/bin/env bash
# Print the path of a Chromium or Chrome that runs, installing one if there is none.
#
# CHROME names one instead and is then the only one tried.
set -euo pipefail
cd "$(dirname "$0")/.."

runs() { [ -n "$1" ] && "$1" --version </dev/null >/dev/null 2>&1; }

find_browser() {
    local name path
    for name in chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium" \
        "$HOME/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
        path=$(command -v "$name" || true)
        if runs "$path"; then
            echo "$path"
            return
        fi
    done
    # What `playwright install chromium` left, if anything.
    path=$(.venv/bin/python -c 'from playwright.sync_api import sync_playwright as start
with start() as playwright: print(playwright.chromium.executable_path)' 2>/dev/null || true)
    runs "$path" && echo "$path"
}

if [ -n "${CHROME:-}" ]; then
    if runs "$CHROME"; then
        echo "$CHROME"
        exit 0
    fi
    echo "CHROME=$CHROME does not run" >&2
    exit 1
fi

find_browser && exit 0
# On Ubuntu this package only points at a snap, which a container cannot run: then Playwright's own.
scripts/apt_install.sh chromium || true
find_browser && exit 0
echo "Fetching Playwright's Chromium" >&2
.venv/bin/python -m playwright install chromium </dev/null >&2 || true
find_browser && exit 0

echo "The browser tests need Chromium or Google Chrome, and none could be installed." >&2
echo "  Debian:  sudo apt-get install chromium" >&2
echo "  Ubuntu:  .venv/bin/python -m playwright install --with-deps chromium" >&2
echo "  macOS:   brew install --cask google-chrome" >&2
echo "  or name one: CHROME=/path/to/chrome make test" >&2
exit 1
