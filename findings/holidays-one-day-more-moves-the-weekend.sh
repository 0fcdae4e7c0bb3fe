#!/usr/bin/env bash
# holidays 0.108, Python 3.11; run on 2026-11-30.
#
# An office in Egypt, where Friday and Saturday are the weekend: `holidays.EG()` knows that, and `is_working_day`
# and `get_nth_working_day` go by it. The company shuts on one more day of the year, so its own list is added to
# the calendar with `+`, the operator that the library has for this. Somebody else adds the calendar of Kuwait,
# which has the same weekend.
# Expected: the same working days as before, less what was added.
# What happens: `+` makes a new object that takes over countries, years and dates of its operands, but neither
# their weekend nor their working Saturdays. It has the default of the library, Saturday and Sunday, even when
# both operands agree on another one: Friday has become a working day and Sunday is none.
# Who is hurt: deadlines and escalations outside the Saturday-Sunday countries. They run out on a day on which
# nobody works, and the day that everybody works does not count; every holiday is right, so a test for those
# sees nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "holidays==0.108"
cat >"$folder/weekend.py" <<'PYTHON'
from datetime import date

import holidays

THURSDAY, FRIDAY, SUNDAY = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 29)
own = holidays.HolidayBase()
own.append({date(2026, 12, 24): "Office closed"})
calendars = {
    "Egypt": holidays.EG(years=2026),
    "Kuwait": holidays.KW(years=2026),
    "Egypt + own day": holidays.EG(years=2026) + own,
    "Egypt + Kuwait": holidays.EG(years=2026) + holidays.KW(years=2026),
}
seen = {}
for name, calendar in calendars.items():
    seen[name] = (
        calendar.is_working_day(FRIDAY),
        calendar.is_working_day(SUNDAY),
        calendar.get_nth_working_day(THURSDAY, 1),
    )
    print(f"{name}: Friday {seen[name][0]}, Sunday {seen[name][1]}, after Thursday comes {seen[name][2]}")

china, hong_kong = holidays.CN(years=2026), holidays.HK(years=2026)
worked = date(2026, 2, 14)  # a Saturday that is worked, in exchange for a day of the spring festival
exchanged = china.is_working_day(worked), (china + hong_kong).is_working_day(worked)
print("a Saturday that China works on:", exchanged[0], "and in China + Hong Kong:", exchanged[1])
alone, added = (False, True, SUNDAY), (True, False, FRIDAY)
as_seen = list(seen.values()) == [alone, alone, added, added] and exchanged == (True, False)
raise SystemExit(0 if as_seen else 1)
PYTHON
"$folder/venv/bin/python" "$folder/weekend.py"
