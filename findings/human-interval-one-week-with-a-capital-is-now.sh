#!/usr/bin/env bash
# human-interval 2.0.1 (the words of Agenda and Bree), Node 20; run on 2026-12-01.
#
# A form has a field for how long one waits before a request is escalated, and it is read with human-interval: "1.5 weeks",
# "3 days and 4 hours", "one week", as the README says. People write as people do: "One week", "a week", "2 Weeks, 3 days".
# Expected: the same as in small letters; seven days; or NaN, as for words that are no time ("soon", "2 Days").
# What happens: capital letters are thrown away before the words are looked at. "One week" becomes "ne week", whose number
# is not known, and a number that is not known is 0: no time at all. "A week", "a week" and "half a day" are 0 too. In "2
# Weeks, 3 days" what is left of the first part is skipped, but for its number: it is 2 days. And as "and" is taken out
# everywhere, "one thousand seconds" is one second.
# Who is hurt: intervals that people or configuration files write. A deadline of a week is over when it begins, one of 17
# days after 2, and a check for NaN, which catches "soon", catches none of these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "human-interval@2.0.1"
cat >"$folder/wait.cjs" <<'JS'
const humanInterval = require("human-interval");

const day = 24 * 60 * 60 * 1000;
const described = [
  ["one week", 7], ["2 weeks, 3 days", 17], ["soon", NaN], ["2 Days", NaN],
  ["One week", 0], ["a week", 0], ["half a day", 0], ["2 Weeks, 3 days", 2], ["one thousand seconds", 1 / 86400],
];
const asSeen = described.map(([words, days]) => {
  const seen = humanInterval(words) / day;
  console.log(`"${words}" is ${seen} days`);
  return Object.is(seen, days);
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/wait.cjs"
