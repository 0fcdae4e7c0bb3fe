#!/usr/bin/env bash
# iso8601-duration 2.1.4, and tinyduration 3.4.1 beside it, Node 20; run on 2026-12-01.
#
# A calendar entry has a reminder a quarter of an hour before it, as iCalendar writes it (RFC 5545, TRIGGER:-PT15M), and a
# limit is a day before a date: -P1D. A program adds the duration to the date with end().
# Expected: 08:45 for an entry at 09:00; or an error, which the library has for a sign that it does not know: P-1D is an
# "invalid duration", P0.5D as well.
# What happens: the sign in front is passed over without a word, and the duration is added: 09:15, and a day later rather than
# a day earlier. In the middle it is worse: PT1H-30M is one hour, everything from the sign on is left out.
# Who is hurt: reminders, deadlines and quiet hours from calendars and from other languages (Java and .NET write durations so).
# They come late by twice the time, with no error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "iso8601-duration@2.1.4" "tinyduration@3.4.1"
cat >"$folder/reminder.cjs" <<'JS'
const { end, parse } = require("iso8601-duration");
const tinyduration = require("tinyduration");

const entry = new Date("2026-12-04T09:00:00Z");
const described = [
  ["PT15M", "2026-12-04T09:15:00.000Z"],
  ["-PT15M", "2026-12-04T09:15:00.000Z"],
  ["-P1D", "2026-12-05T09:00:00.000Z"],
  ["PT1H-30M", "2026-12-04T10:00:00.000Z"],
  ["P-1D", "invalid duration: P-1D"],
];
const asSeen = described.map(([duration, wanted]) => {
  let time;
  try {
    time = end(parse(duration), entry).toISOString();
  } catch (error) {
    time = error.message;
  }
  console.log(`${duration}: ${time}; tinyduration reads ${JSON.stringify(tinyduration.parse(duration))}`);
  return time === wanted;
});
const sign = tinyduration.parse("-PT15M").negative;
process.exit(asSeen.every(Boolean) && sign ? 0 : 1);
JS
node "$folder/reminder.cjs"
