#!/usr/bin/env bash
# adaptivecards-templating 2.3.1 with adaptive-expressions 4.23.3, Node 20; run on 2026-12-01.
#
# A card shows what one of several costs: ${total / seats} per seat, with total and seats from JSON.
# Expected: a quotient, as everywhere in JavaScript and JSON, where a number is a number; or a whole one always.
# What happens: the result is cut to a whole number where both happen to be whole, and exact where one of them has a
# fraction. What decides is the amount: 25080.50 for 12 seats is 2090.0416… each, 25081.00 for 12 is 2090, although it is
# 2090.0833…. 25081.0 in the JSON does not help, since it is the same number. So with percentages: ${part / whole} of 25081
# and 50162 is 0, and of 25080.5 and 50161 it is 0.5.
# Who is hurt: whoever approves by what the card says. Most amounts of a test have cents; those that have none are shown too
# low, shares are 0 %, and a condition such as ${part / whole > 0.4} is false.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" \
  "adaptivecards-templating@2.3.1" "adaptive-expressions@4.23.3"
cat >"$folder/price.js" <<'JS'
const { Template } = require("adaptivecards-templating");

const shown = (text, data) => new Template({ type: "TextBlock", text }).expand({ $root: data }).text;
const described = [
  ["${total / seats}", '{"total": 25080.50, "seats": 12}', 25080.5 / 12],
  ["${total / seats}", '{"total": 25081.00, "seats": 12}', 2090],
  ["${part / whole}", '{"part": 25080.5, "whole": 50161}', 0.5],
  ["${part / whole}", '{"part": 25081, "whole": 50162}', 0],
  ["${if(part / whole > 0.4, 'ask the board', '')}", '{"part": 25081, "whole": 50162}', ""],
];
const asSeen = described.map(([text, json, wrong]) => {
  const seen = shown(text, JSON.parse(json));
  console.log(`${text} of ${json}: ${JSON.stringify(seen)}`);
  return seen === wrong;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/price.js"
