#!/usr/bin/env bash
# business-duration 0.68 (pandas 3.1.1), Python 3.11; run on 2026-12-01.
#
# A desk works from 22:00 to 06:00. How many of its hours has a request waited, which came on Monday at 22:00?
# businessDuration(start, now, time(22), time(6), unit="hour"); hours over midnight are meant to work, a part of the code is
# for "9PM - 3AM".
# Expected: 8 on Tuesday at 06:00, 24 on Thursday at 06:00, 26.5 on Friday at 00:30, 32 on Friday at 06:00.
# What happens: the whole nights between the first and the last are measured up to the time of day at which one asks. At
# 06:00, and by day, all is well; on Friday at 00:30 it is 10 hours, which is less than it was on Thursday. And hours that
# begin and end in the same night before six, Tuesday 02:00 to 05:00, are 0.
# Who is hurt: deadlines and escalations of shifts that pass midnight. Whoever looks while the desk works, sees a request
# grow younger at midnight, and in time again; a report that is made in the morning shows the right figure.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "business-duration==0.68" "pandas==3.1.1"
cat >"$folder/waited.py" <<'PYTHON'
from datetime import datetime, time

from business_duration import businessDuration

monday = datetime(2026, 11, 23, 22)
seen = []
for day, at in ((24, time(6)), (26, time(6)), (27, time(0, 30)), (27, time(6))):
    now = datetime.combine(datetime(2026, 11, day), at)
    seen.append(businessDuration(monday, now, time(22), time(6), unit="hour"))
    print(f"{monday:%a %H:%M} to {now:%a %H:%M}: {seen[-1]} hours")
two, five = datetime(2026, 11, 24, 2), datetime(2026, 11, 24, 5)
seen.append(businessDuration(two, five, time(22), time(6), unit="hour"))
print(f"{two:%a %H:%M} to {five:%a %H:%M}: {seen[-1]} hours")
raise SystemExit(0 if seen == [8, 24, 10, 32, 0] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/waited.py"
