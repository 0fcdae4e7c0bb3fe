#!/usr/bin/env bash
# croniter 7.0.0 (cronsim 2.8 beside it), Python 3.11; run on 2026-12-01.
#
# Payments are released on the 15th and on the third Friday of a month: 0 9 15 * 5#3 in cron's five fields.
# Expected: as croniter does for 0 9 15 * 5: where both days are given, either is enough. 15 and 18 December, 15 January,
# 15 and 19 February.
# What happens: 18 December, 15 January (a Friday), 19 February: only the Fridays. With a "#" in the day of the week, the day of
# the month counts only where it is that Friday as well. A day that can never be is an error, "failed to find next date" for
# 0 9 1 * 5#3, although the 1st comes each month; a day from the 15th to the 21st is left out without a word.
# Who is hurt: whoever is paid on the 15th. The job runs, once a month, and its list of next runs looks as it should.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "croniter==7.0.0" "cronsim==2.8"
cat >"$folder/release.py" <<'PYTHON'
from datetime import datetime

from croniter import CroniterBadDateError, croniter
from cronsim import CronSim

start = datetime(2026, 12, 1, 12)


def days(written: str) -> str:
    runs = croniter(written, start, ret_type=datetime)
    try:
        return ", ".join(f"{runs.get_next():%m-%d}" for _ in range(4))
    except CroniterBadDateError as error:
        return str(error)


elsewhere = CronSim("0 9 15 * 5#3", start)
found = {
    "0 9 15 * 5": (days("0 9 15 * 5"), "12-04, 12-11, 12-15, 12-18"),
    "0 9 15 * 5#3": (days("0 9 15 * 5#3"), "12-18, 01-15, 02-19, 03-19"),
    "0 9 1 * 5#3": (days("0 9 1 * 5#3"), "failed to find next date"),
    "0 9 15 * 5#3 for cronsim": (", ".join(f"{next(elsewhere):%m-%d}" for _ in range(4)), "12-15, 12-18, 01-15, 02-15"),
}
for written, (seen, _) in found.items():
    print(f"{written}: {seen}")
raise SystemExit(0 if all(seen == described for seen, described in found.values()) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/release.py"
