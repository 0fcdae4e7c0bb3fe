#!/usr/bin/env bash
# chrono-node 2.10.3, Node 20; run on 2026-12-01.
#
# At ten in the morning somebody writes until when a request may be answered: "tonight at 12", or "tonight at midnight".
# Expected: the midnight that ends this day, 14 hours later. "tonight at 11" is 23:00, "midnight" alone is the coming one.
# What happens: both are noon of the same day, two hours later. Tonight stands for the afternoon, so that 9 becomes 21 and 11
# becomes 23, and 12 in the afternoon is noon. For "midnight", which is read as 12, it is no different. The whole text counts
# as understood, so nothing is left over that a program could notice; "tonight at 12am" is ten hours ago.
# Who is hurt: deadlines and reminders that people write in words. The request lapses before lunch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "chrono-node@2.10.3"
cat >"$folder/until.cjs" <<'JS'
process.env.TZ = "UTC";
const chrono = require("chrono-node");

const now = new Date("2026-12-01T10:00:00Z");
const described = [
  ["tonight at 11", "2026-12-01T23:00"],
  ["midnight", "2026-12-02T00:00"],
  ["tonight at 12", "2026-12-01T12:00"],
  ["tonight at midnight", "2026-12-01T12:00"],
  ["tomorrow night at 12", "2026-12-02T12:00"],
  ["tonight at 12am", "2026-12-01T00:00"],
];
const asSeen = described.map(([words, wanted]) => {
  const [found] = chrono.parse(words, now);
  const time = found.date().toISOString().slice(0, 16);
  console.log(`"${words}" is ${time}, read: "${found.text}"`);
  return time === wanted && found.text === words;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/until.cjs"
