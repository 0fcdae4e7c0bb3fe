#!/usr/bin/env bash
# recurrent 0.4.1 with python-dateutil 2.9.0.post0, Python 3.11; run on 2026-12-01.
#
# Somebody writes when a job may run, and the library makes a rule for calendars of it. It knows exceptions: "every day except
# on sundays" has an EXRULE for every Sunday.
# Expected: "every day but sunday" is the same, or None, as for "twice a week", which it does not know.
# What happens: it is a rule with BYDAY=SU: every Sunday, and no other day. "but" is passed over, and what stays is "every day
# sunday". "except sunday", without "on" and without the s, leaves out the coming Sunday and no later one.
# Who is hurt: standing permissions, duties and reminders. The job runs on the one day on which it may not; where the text is
# kept and shown next to the rule, the text is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "recurrent==0.4.1" "python-dateutil==2.9.0.post0"
cat >"$folder/but.py" <<'PYTHON'
from datetime import datetime

from dateutil.rrule import rrulestr
from recurrent import RecurringEvent

noon = datetime(2026, 12, 1, 12)
SUNDAY = 6
described = {
    "every day except on sundays": (False, 0),
    "every day but sunday": (True, 4),
    "every day except sunday": (False, 3),
}
seen = {}
for text in described:
    rule = RecurringEvent(now_date=noon).parse(text)
    days = rrulestr(rule, dtstart=noon, forceset=True).between(noon, datetime(2026, 12, 29), inc=True)
    sundays = [day for day in days if day.weekday() == SUNDAY]
    seen[text] = (sundays == days, len(sundays))
    print(f"{text}: {len(days)} days in four weeks, {len(sundays)} of them Sundays ({' '.join(rule.split())})")
unknown = RecurringEvent(now_date=noon).parse("twice a week")
print(f"twice a week: {unknown}")
raise SystemExit(0 if seen == described and unknown is None else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/but.py"
