#!/usr/bin/env bash
# cron-schedule 6.0.0, and croner 11.0.1 beside it, Node 20; run on 2026-12-01.
#
# Payments are released on the last Friday of the month, "0 9 * * 5L", and reviewed on the second Monday, "0 9 * * 1#2", as
# most libraries for cron take it. A reminder goes out every fifteen minutes from five past, "5/15 9 * * *".
# Expected: these days; or an error, as this library does not say that it knows L, # or a step after a single number. It has
# errors: "x" and 8 are refused as a day of the week.
# What happens: a number is read as far as it is one, and what follows is thrown away. "5L" is every Friday, "1#2" every
# Monday, "5/15" only five past, and "5FOO" is taken as well.
# Who is hurt: whoever moves an expression from another library or another part of the system. What was to be done once a
# month is done every week, and nothing says that it was read differently.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "cron-schedule@6.0.0" "croner@11.0.1"
cat >"$folder/next.mjs" <<'JS'
import { Cron } from "croner";
import { parseCronExpression } from "cron-schedule";

process.env.TZ = "UTC";
const start = new Date("2026-11-30T12:00:00Z");
const text = (dates) => dates.map((date) => date.toISOString().slice(5, 16).replace("T", " ")).join(", ");
const described = [
  ["0 9 * * 5L", "12-04 09:00, 12-11 09:00, 12-18 09:00"],
  ["0 9 * * 1#2", "12-07 09:00, 12-14 09:00, 12-21 09:00"],
  ["5/15 9 * * *", "12-01 09:05, 12-02 09:05, 12-03 09:05"],
];
let asSeen = true;
for (const [expression, dates] of described) {
  const seen = text(parseCronExpression(expression).getNextDates(3, start));
  let other = "an error";
  try {
    other = text(new Cron(expression, { timezone: "UTC" }).nextRuns(3, start));
  } catch {
    // as expected of "5/15"
  }
  console.log(`${expression}\n    cron-schedule ${seen}\n    croner        ${other}`);
  asSeen &&= seen === dates && other !== seen;
}
const words = text(parseCronExpression("0 9 * * 5FOO").getNextDates(1, start));
console.log(`0 9 * * 5FOO: ${words}`);
asSeen &&= words === "12-04 09:00";
for (const expression of ["0 9 * * x", "0 9 * * 8"]) {
  try {
    parseCronExpression(expression);
    asSeen = false;
  } catch (error) {
    console.log(`${expression}: ${error.message}`);
  }
}
process.exit(asSeen ? 0 : 1);
JS
TZ=UTC node "$folder/next.mjs"
