#!/usr/bin/env bash
# isodate 0.7.2, Python 3.11; run on 2026-12-01.
#
# A notice has to be given a month before a date, with two days of grace: Duration(months=-1, days=2). A rule is stored as
# text, duration_isoformat(rule), and read again with parse_duration.
# Expected: what is read is what was written; ISO 8601 has one sign for all, so what cannot be written is an error.
# What happens: one part that is negative makes all of them negative. Minus a month plus two days is "-P1M2D", a month and two
# days before. A month less two days, and a year less two months, lie after the date; they are "-P1M2D" and "-P1Y2M", before it.
# Adding such a duration to a date, without the text between, is right, and so is a timedelta of days and hours.
# Who is hurt: terms that pass a database, a queue or a form. What is due "a month less two days" after 31 March is due on 28
# April before the rule is stored, and on 26 February after it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "isodate==0.7.2"
cat >"$folder/term.py" <<'PYTHON'
from datetime import date

from isodate import Duration, duration_isoformat, parse_duration

start = date(2026, 3, 31)
described = [
    (Duration(months=-1, days=2), "-P1M2D", "2026-03-02", "2026-02-26"),
    (Duration(months=1, days=-2), "-P1M2D", "2026-04-28", "2026-02-26"),
    (Duration(years=1, months=-2), "-P1Y2M", "2027-01-31", "2025-01-31"),
    (Duration(months=1, days=2), "P1M2D", "2026-05-02", "2026-05-02"),
]
same = True
for rule, *wanted in described:
    written = duration_isoformat(rule)
    seen = [written, str(start + rule), str(start + parse_duration(written))]
    print(f"{rule}: from {start} until {seen[1]}; written {written}, and read again until {seen[2]}")
    same = same and seen == wanted
raise SystemExit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/term.py"
