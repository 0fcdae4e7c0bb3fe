#!/usr/bin/env bash
# numeral 2.0.6, Node 20; run on 2026-12-01.
#
# A field for an amount takes what people write, and numeral reads it: "1.5k" is 1500, "2m" two millions, "2b" two thousand
# millions. What is no number, such as "two", is null.
# Expected: "2bn", "1.5 million", "3 mio" are read as well, or are null as other things that are not understood.
# What happens: they are 2, 1.5 and 3. A unit counts only as the single letter that numeral itself writes;
# otherwise all letters are thrown away, and the digits are the value.
# Who is hurt: limits and budgets that people type. "bn" and "mn" are what banks write, and an amount that is a million times
# too small is within every limit. isNaN and null, the tests for bad input, do not see it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "numeral@2.0.6"
cat >"$folder/typed.js" <<'JS'
const numeral = require("numeral");

const described = [
  ["1.5k", 1500],
  ["2m", 2e6],
  ["$2m", 2e6],
  ["2b", 2e9],
  ["two", null],
  ["2bn", 2],
  ["2mn", 2],
  ["1.5 million", 1.5],
  ["3 mio", 3],
];
const asSeen = described.map(([typed, wanted]) => {
  const value = numeral(typed).value();
  console.log(`${typed} is read as ${value}`);
  return value === wanted;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/typed.js"
