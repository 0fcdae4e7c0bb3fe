#!/usr/bin/env bash
# rrule-temporal 2.2.8, Node 20; run on 2026-12-01.
#
# A payment is due on the 31st, and in shorter months on their last day: RFC 7529 has SKIP=BACKWARD for it, and the README
# says that it is supported ("move to the previous valid day"), with an example for February 29 of every year.
# Expected: Jan 31, Feb 28, Mar 31, Apr 30, May 31.
# What happens: with BYMONTHDAY=31 in a monthly rule SKIP is not looked at: February, April and June have no payment, and
# COUNT=5 goes on until August. With the 31st taken from DTSTART (no BYMONTHDAY) the same rule gives the five days above,
# and so does SKIP in a yearly rule with BYMONTHDAY, as in the README. SKIP=FORWARD is the same.
# Who is hurt: instalments, reports and rotations at the end of a month. Five of twelve are never due, whoever looks at
# January sees nothing, and a rule with COUNT ends months later than agreed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "rrule-temporal@2.2.8"
cat >"$folder/due.mjs" <<'JS'
import { RRuleTemporal } from "rrule-temporal";

const due = (rule) => {
  const days = new RRuleTemporal({ rruleString: `DTSTART:20270131T090000Z\nRRULE:RSCALE=GREGORIAN;${rule}` }).all();
  console.log(`${rule}: ${days.map((day) => day.toPlainDate().toString()).join(" ")}`);
  return days.map((day) => day.toPlainDate().toString().slice(5)).join(" ");
};
const seen = [
  due("FREQ=MONTHLY;SKIP=BACKWARD;COUNT=5"),
  due("FREQ=MONTHLY;BYMONTHDAY=31;SKIP=BACKWARD;COUNT=5"),
  due("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31;SKIP=BACKWARD;COUNT=2"),
];
const asSeen = ["01-31 02-28 03-31 04-30 05-31", "01-31 03-31 05-31 07-31 08-31", "02-28 02-29"];
process.exit(JSON.stringify(seen) === JSON.stringify(asSeen) ? 0 : 1);
JS
node "$folder/due.mjs"
