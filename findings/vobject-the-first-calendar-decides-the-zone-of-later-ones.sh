#!/usr/bin/env bash
# vobject 0.9.9 (tzdata 2026.6), Python 3.11; run on 2026-12-01.
#
# A server writes a calendar for each person on call: one shift at 09:00, with the zone of that person from Python's
# zoneinfo. The first one is for Shanghai, the next for Chicago, and another process reads them.
# Expected: 01:00 UTC and 15:00 UTC, as they were given.
# What happens: the id of a zone is the abbreviation that it has in winter, not its name, and both are "CST". Ids are kept
# for the whole process, and the zone that had an id first keeps it. The calendar for Chicago is written with the definition
# of Shanghai's zone in it, and the shift begins at 01:00 UTC, 14 hours early. If Chicago comes first, Shanghai is wrong;
# India, Israel and Ireland share "IST". It is known as issue 153 of skarim/vobject since 2019 and as 117 of
# py-vobject/vobject.
# Who is hurt: rotations, meetings and deadlines across the world. What a calendar says depends on whose was written first
# since the server was started: a test with one of them is right, and so is the next try after a restart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "vobject==0.9.9" "tzdata==2026.6"
cat >"$folder/write.py" <<'PYTHON'
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import vobject

for zone in sys.argv[1:]:
    calendar = vobject.iCalendar()
    event = calendar.add("vevent")
    event.add("uid").value = event.add("summary").value = zone
    event.add("dtstart").value = datetime(2026, 11, 30, 9, tzinfo=ZoneInfo(zone))
    with open(f"{zone.replace('/', '-')}.ics", "w", newline="") as file:
        file.write(calendar.serialize())
PYTHON
cat >"$folder/read.py" <<'PYTHON'
import sys
from datetime import timezone

import vobject

with open(sys.argv[1], newline="") as file:
    event = vobject.readOne(file.read()).vevent
print(f"{event.summary.value}: 09:00 is {event.dtstart.value.astimezone(timezone.utc):%d %b %H:%M} UTC")
PYTHON
cd "$folder"
seen=""
for order in "Asia/Shanghai America/Chicago" "America/Chicago Asia/Shanghai"; do
  # shellcheck disable=SC2086
  venv/bin/python write.py $order
  echo "written in the order: $order"
  for calendar in America-Chicago.ics Asia-Shanghai.ics; do
    line=$(venv/bin/python read.py "$calendar")
    echo "    $line"
    seen="$seen ${line##* is }"
  done
done
[ "$seen" = " 30 Nov 01:00 UTC 30 Nov 01:00 UTC 30 Nov 15:00 UTC 30 Nov 15:00 UTC" ]
