#!/usr/bin/env bash
# cronstrue 3.39.0 and cron-parser 5.10.6, Node 20; run on 2026-12-01.
#
# Somebody approves when a job runs: every other day from Monday on, 0 9 * * 1/2. cronstrue says in words what they sign, and
# cron-parser, which many job queues for Node plan with, finds the times.
# Expected: Monday, Wednesday and Friday in both; the sentence names the range of days: Monday through Saturday.
# What happens: it runs on Sundays, too, and then on Monday again. A range without an end goes to 7 for cron-parser, which is
# Sunday once more, so that 1, 3, 5 and 7 are meant. cronstrue takes the week to end on Saturday. With 1-6/2 both agree.
# Who is hurt: whoever has signed "Monday through Saturday" because nobody works on Sunday. The job runs unattended once a
# week, and two days in a row.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "cronstrue@3.39.0" "cron-parser@5.10.6"
cat >"$folder/signed.cjs" <<'JS'
const cronstrue = require("cronstrue");
const { CronExpressionParser } = require("cron-parser");

function week(expression) {
  const plan = CronExpressionParser.parse(expression, { currentDate: "2026-12-06T12:00:00Z", tz: "UTC" });
  return [1, 2, 3, 4].map(() => plan.next().toDate().toUTCString().slice(0, 3)).join(" ");
}

const described = [
  ["0 9 * * 1/2", "Mon Wed Fri Sun", true],
  ["0 9 * * 1-6/2", "Mon Wed Fri Mon", true],
];
const asSeen = described.map(([expression, wanted, named]) => {
  const words = cronstrue.toString(expression);
  const days = week(expression);
  console.log(`${expression}: signed "${words}", runs on ${days}`);
  return days === wanted && words.includes("Monday through Saturday") === named;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/signed.cjs"
