#!/usr/bin/env bash
# timelength 3.0.4 (pytimeparse2 1.7.1 beside it), Python 3.11; run on 2026-12-01.
#
# A time is corrected by people: "-1h 30m" of what was booked, or "2 days -3 hours" until a deadline.
# Expected: minus an hour and a half, and 45 hours; or an error; or the sign among what could not be read, where the library
# has the word of "minus 2 days".
# What happens: a sign before a number is passed over: an hour and a half more, and 51 hours. It is said to be understood, and
# nothing is said to be left over.
# Who is hurt: time sheets, and deadlines that are brought forward: the correction doubles the error instead of taking it out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "timelength==3.0.4" "pytimeparse2==1.7.1"
cat >"$folder/less.py" <<'PYTHON'
from pytimeparse2 import parse
from timelength import TimeLength

described = {
    "-1h 30m": (1.5, True, 0),
    "-2 days": (48, True, 0),
    "2 days -3 hours": (51, True, 0),
    "minus 2 days": (48, True, 1),
}
seen = {}
for text in described:
    result = TimeLength(text).result
    seen[text] = (result.seconds / 3600, result.success, len(result.invalid))
    print(f"{text}: {seen[text][0]:g} hours, understood: {result.success}, parts not read: {seen[text][2]}")
elsewhere = parse("-1h 30m")
print(f"-1h 30m for pytimeparse2: {elsewhere / 3600:g} hours")
raise SystemExit(0 if seen == described and elsewhere == -5400 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/less.py"
