#!/usr/bin/env bash
# ical.js 2.2.1, and rrule 2.8.1 beside it, Node 20; run on 2026-12-01.
#
# A review is due once a year: on Monday of the first week of the year, FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO, or on the 20th
# Monday, FREQ=YEARLY;BYDAY=20MO. Both rules are in RFC 5545, among its examples.
# Expected: one day a year, as rrule and dateutil give it.
# What happens: if neither a month nor a day of the month is named, all that is left of the rule is the name of the weekday:
# it is due every Monday. The number of the week, and that before MO, say nothing, except that -1MO is the last Monday of
# the year, as it should be. With COUNT=4 four years are over after four weeks. (BYSETPOS is passed over as well, in weekly
# rules and others; that is issue 1039 of kewisch/ical.js.)
# Who is hurt: whoever shares a calendar between programs. What the one sends once a year, the other one asks for every
# week, and reminders, rotations and payments that are made of the dates are made 52 times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "ical.js@2.2.1" "rrule@2.8.1"
cat >"$folder/due.mjs" <<'JS'
import ICAL from "ical.js";
import rrule from "rrule";

const described = [
  ["FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;COUNT=4", "2027-01-04", "2027-01-11 2027-01-18 2027-01-25 2027-02-01"],
  ["FREQ=YEARLY;BYDAY=20MO;COUNT=4", "2027-05-17", "2027-05-17 2027-05-24 2027-05-31 2027-06-07"],
  ["FREQ=YEARLY;BYDAY=-1MO;COUNT=4", "2026-12-28", "2026-12-28 2027-12-27 2028-12-25 2029-12-31"],
];
let asSeen = true;
for (const [rule, start, dates] of described) {
  const iterator = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(start));
  const seen = [];
  for (let day = iterator.next(); day; day = iterator.next()) seen.push(day.toString());
  const other = rrule.rrulestr(`DTSTART:${start.replaceAll("-", "")}T000000Z\nRRULE:${rule}`);
  const years = other.all().map((day) => day.toISOString().slice(0, 10));
  console.log(`${rule}\n    ical.js ${seen.join(" ")}\n    rrule   ${years.join(" ")}`);
  asSeen &&= seen.join(" ") === dates && years.at(-1) >= "2029";
}
process.exit(asSeen ? 0 : 1);
JS
node "$folder/due.mjs"
