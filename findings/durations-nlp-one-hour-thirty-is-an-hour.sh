#!/usr/bin/env bash
# durations-nlp 1.0.1, Python 3.11; run on 2026-12-01.
#
# A form asks how long something waits, and people write "1h30", "2h45" or "1 hour 30", as on a timetable.
# Expected: an hour and a half; or an error, as for "1h 30 15s", where a number in the middle has no unit.
# What happens: a number at the end that has no unit is left out: an hour, two hours, an hour. What has one is right, and what
# has none elsewhere is refused, so whoever tries a few texts believes that the rest would be.
# Who is hurt: whoever is waited for. "2h45" is two hours; an answer that comes after two and a half is too late, and nothing
# says that a part of the field was not read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "durations-nlp==1.0.1"
cat >"$folder/wait.py" <<'PYTHON'
from durations_nlp import Duration


def minutes(text: str) -> float | str:
    try:
        return Duration(text).to_minutes()
    except Exception as error:
        return type(error).__name__


described = {
    "1h30m": 90,
    "1h30": 60,
    "2h45": 120,
    "1 hour 30": 60,
    "2 days 12": 2880,
    "1h 30 15s": "ScaleFormatError",
}
seen = {text: minutes(text) for text in described}
for text, found in seen.items():
    print(f"{text}: {found}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/wait.py"
