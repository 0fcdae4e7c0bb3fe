#!/usr/bin/env bash
# parsedatetime 2.6, Python 3.11; run on 2026-12-01.
#
# Somebody answers a request "ask me again in half an hour", at noon. The library reads dates out of such text, and tells
# with it what it has understood (a day, an hour, a minute), or that there was nothing.
# Expected: 12:30, or nothing, as for "in two and a half hours", where it says that there was nothing.
# What happens: 13:00, "understood to the hour". "half" and "quarter" are words that it passes over: a quarter of an hour is an
# hour, half a day a day, and an hour and a half one hour. In "1,5 hours" it sees the 5: 17:00. "1.5 hours" is right.
# Who is hurt: reminders and deadlines that people write. They come at twice or four times the time, and the flag by which a
# program tells what was understood from what was not says that all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "parsedatetime==2.6"
cat >"$folder/again.py" <<'PYTHON'
from datetime import datetime

import parsedatetime

calendar = parsedatetime.Calendar(version=parsedatetime.VERSION_CONTEXT_STYLE)
noon = datetime(2026, 12, 1, 12)
described = {
    "in 30 minutes": (0.5, True),
    "in 1.5 hours": (1.5, True),
    "in half an hour": (1, True),
    "in a quarter of an hour": (1, True),
    "in an hour and a half": (1, True),
    "in half a day": (24, True),
    "in 1,5 hours": (5, True),
    "in two and a half hours": (0, False),
}
seen = {}
for text in described:
    when, context = calendar.parseDT(text, sourceTime=noon)
    seen[text] = ((when - noon).total_seconds() / 3600, bool(context.hasDateOrTime))
    print(f"{text}: after {seen[text][0]:g} hours; understood: {seen[text][1]}")
raise SystemExit(0 if seen == described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/again.py"
