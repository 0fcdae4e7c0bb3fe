#!/usr/bin/env bash
# timelength 3.0.4, Python 3.11; run on 2026-12-01.
#
# A limit or a contract runs "2 quarters", as budgets do, and the library turns what people write into seconds. It tells
# whether it has understood the text, and what of it it could not read.
# Expected: half a year; or that it was not understood, as for "1 semester" and "1 fortnight".
# What happens: half a second, understood, with nothing that could not be read. A quarter is a fraction here ("a quarter of an
# hour" is right), and a number that has no unit behind it is of seconds; so "1 quarter" is 0.25 seconds and "3 quarters" 0.75.
# "1 quarter 2 days" is half a day, a quarter of the two, of which it says at least that the 1 was not read.
# Who is hurt: whoever sets a deadline by quarters. The time is over as soon as it starts, and success is True, which is what
# one asks the library for before one believes it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "timelength==3.0.4"
cat >"$folder/quarter.py" <<'PYTHON'
from timelength import TimeLength

described = {
    "6 months": (True, 15811200.0),
    "2 quarters": (True, 0.5),
    "1 quarter": (True, 0.25),
    "a quarter": (True, 0.25),
    "1 quarter 2 days": (True, 43200.0),
    "a quarter of an hour": (True, 900.0),
    "1 semester": (False, 0.0),
}
seen = {}
for text in described:
    result = TimeLength(text).result
    seen[text] = (result.success, result.seconds)
    print(f"{text}: {result.seconds:g} seconds, understood: {result.success}, not read: {list(result.invalid)}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/quarter.py"
