#!/usr/bin/env bash
# pendulum 3.3.0, Python 3.11; run on 2026-12-01.
#
# A shift in Berlin lasts from 22:00 to 06:00. In the night in which the clocks are set back that is nine hours. The interval
# between both says how long, and is added to a start, to move the shift or to say when an answer is due.
# Expected: start + (end - start) is the end, and in_words() says as many hours as in_hours().
# What happens: in_hours() is 9, and in_words() "8 hours"; start + (end - start) is 05:00, an hour before the end. In the night
# in which they are set forward it is 7 and "8 hours", and the end 07:00. An interval counts its parts by the clock on the wall,
# and adding makes real hours of them. as_duration() of the same interval ends at 06:00.
# Who is hurt: whoever is paid or waited for by such a night: the words on the card are not the hours of the bill, and a
# deadline that is moved with its interval comes an hour early or late, twice a year.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pendulum==3.3.0"
cat >"$folder/shift.py" <<'PYTHON'
import pendulum

described = {
    (10, 24): (9, "8 hours", "05:00", "06:00"),
    (3, 28): (7, "8 hours", "07:00", "06:00"),
    (6, 1): (8, "8 hours", "06:00", "06:00"),
}
seen = {}
for month, day in described:
    start = pendulum.datetime(2026, month, day, 22, tz="Europe/Berlin")
    end = start.add(days=1).set(hour=6)
    between = end - start
    moved, longer = start + between, start + between.as_duration()
    seen[month, day] = (between.in_hours(), between.in_words(locale="en"), moved.format("HH:mm"), longer.format("HH:mm"))
    print(f"from {start} to {end}: {seen[month, day]}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/shift.py"
