#!/usr/bin/env bash
# node-ical 0.27.2, and ical.js 2.2.1 beside it, Node 20 (it asks for 22); run on 2026-12-01.
#
# A calendar says who is on call: Di, every Monday in March, but not on the 8th (EXDATE); on Thursday the 4th instead
# (RDATE). The shifts are asked for with expandRecurringEvent(), which expands the rule, with exceptions and moved
# instances.
# Expected: March 1, 4 and 15, as RFC 5545 has it.
# What happens: RDATE is not looked at, and what was moved has only been taken away: March 1 and 15. The dates are not in
# the event either, under no name. EXDATE, moved shifts (RECURRENCE-ID) and summer time are right. The README names what is
# handled and does not name RDATE, neither as handled nor as missing.
# Who is hurt: rotations, opening hours and payments with dates of their own. On the 4th nobody is on call, and whoever
# looks into the same calendar with another program sees that it is Di.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "node-ical@0.27.2" "ical.js@2.2.1"
cat >"$folder/shifts.mjs" <<'JS'
import ICAL from "ical.js";
import ical from "node-ical";

const text = `BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//on call//EN
BEGIN:VEVENT
UID:di
DTSTAMP:20261201T000000Z
SUMMARY:Di is on call
DTSTART:20270301T080000Z
DTEND:20270301T160000Z
RRULE:FREQ=WEEKLY;COUNT=3
EXDATE:20270308T080000Z
RDATE:20270304T080000Z
END:VEVENT
END:VCALENDAR
`.replaceAll("\n", "\r\n");

const event = ical.sync.parseICS(text).di;
const range = { from: new Date("2027-03-01T00:00:00Z"), to: new Date("2027-04-01T00:00:00Z") };
const seen = ical.expandRecurringEvent(event, range).map(({ start }) => start.toISOString().slice(5, 10));
const other = [];
const iterator = new ICAL.Event(new ICAL.Component(ICAL.parse(text)).getFirstSubcomponent("vevent")).iterator();
for (let start = iterator.next(); start; start = iterator.next()) other.push(start.toString().slice(5, 10));
console.log(`node-ical ${seen.join(", ")}\nical.js   ${other.join(", ")}`);
const kept = JSON.stringify(event).includes("2027-03-04");
console.log(`the event itself ${kept ? "has" : "has not"} got March 4`);
const asSeen = seen.join() === "03-01,03-15" && other.join() === "03-01,03-04,03-15" && !kept;
process.exit(asSeen ? 0 : 1);
JS
TZ=UTC node "$folder/shifts.mjs"
