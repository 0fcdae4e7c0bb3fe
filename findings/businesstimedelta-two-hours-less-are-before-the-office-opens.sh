#!/usr/bin/env bash
# businesstimedelta 1.0.1, Python 3.11; run on 2026-12-01.
#
# An office works from 9 to 17, Monday to Friday. A reminder goes out two working hours before a deadline on Monday at 10:00:
# deadline + BusinessTimeDelta(rules, hours=-2), as one does with a timedelta; the hours are often a number from a setting.
# Expected: Friday at 16:00, which is what deadline - BusinessTimeDelta(rules, hours=2) gives.
# What happens: Monday at 8:00, when nobody works. A number below zero is counted by the clock on the wall, through nights and
# weekends: -20 is Sunday at 14:00. Taking away -2 from Monday at 16:00 is 18:00, after the office has closed. There is no
# error, and the rules are not asked at all.
# Who is hurt: reminders and escalations that are set before a deadline. They come when nobody is there, and the working time
# that is left to answer is an hour instead of two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "businesstimedelta==1.0.1"
cat >"$folder/remind.py" <<'PYTHON'
from datetime import datetime, time

from businesstimedelta import BusinessTimeDelta, Rules, WorkDayRule

rules = Rules([WorkDayRule(start_time=time(9), end_time=time(17), working_days=[0, 1, 2, 3, 4])])
monday = datetime(2026, 12, 7, 10)
found = {
    "Monday 10:00 - 2": (monday - BusinessTimeDelta(rules, hours=2), "Fri 16:00"),
    "Monday 10:00 + -2": (monday + BusinessTimeDelta(rules, hours=-2), "Mon 08:00"),
    "Monday 10:00 + -20": (monday + BusinessTimeDelta(rules, hours=-20), "Sun 14:00"),
    "Monday 16:00 + 2": (monday.replace(hour=16) + BusinessTimeDelta(rules, hours=2), "Tue 10:00"),
    "Monday 16:00 - -2": (monday.replace(hour=16) - BusinessTimeDelta(rules, hours=-2), "Mon 18:00"),
}
for written, (when, _) in found.items():
    print(f"{written}: {when:%a %H:%M}")
raise SystemExit(0 if all(f"{when:%a %H:%M}" == described for when, described in found.values()) else 1)
PYTHON
LC_ALL=C TZ=UTC "$folder/venv/bin/python" "$folder/remind.py"
