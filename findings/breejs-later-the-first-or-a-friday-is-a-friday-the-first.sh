#!/usr/bin/env bash
# @breejs/later 4.2.0 (what the job runner bree plans with), Node 20; run on 2026-12-01.
#
# Payments that wait are released on the 1st, on the 15th and on Fridays, at nine: in cron's five fields, 0 9 1,15 * 5.
# Expected: as in cron, where a day of the month and a day of the week are both given, either is enough: 4, 11, 15, 18 and
# 25 December, 1 January. (cron-parser, croner and cron itself have these.)
# What happens: both have to be met. The first is 1 January 2027, which is a Friday, the second 15 January, and then there is
# none until October. Text that is no cron expression is refused, and this one is taken without a word.
# Who is hurt: runs, reminders and deadlines that are moved to bree from a crontab. They stay in the list of jobs, and run
# about twice a year; as nothing fails, nobody is told.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "@breejs/later@4.2.0" "cron-parser@5.4.0"
cat >"$folder/release.js" <<'JS'
const later = require("@breejs/later");
const { CronExpressionParser } = require("cron-parser");

const written = "0 9 1,15 * 5";
const start = new Date("2026-12-01T12:00:00Z");
const day = (date) => date.toISOString().slice(0, 10);
const runs = later.schedule(later.parse.cron(written)).next(3, start).map(day);
const others = CronExpressionParser.parse(written, { currentDate: start, tz: "UTC" });
const elsewhere = Array.from({ length: 3 }, () => day(others.next().toDate()));
console.log(`@breejs/later: ${runs.join(", ")}`);
console.log(`cron-parser: ${elsewhere.join(", ")}`);
const asSeen = runs.join() === "2027-01-01,2027-01-15,2027-10-01" && elsewhere.join() === "2026-12-04,2026-12-11,2026-12-15";
process.exit(asSeen ? 0 : 1);
JS
TZ=UTC node "$folder/release.js"
