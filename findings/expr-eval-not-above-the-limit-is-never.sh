#!/usr/bin/env bash
# expr-eval 2.0.2, Node 20; run on 2026-12-01.
#
# Somebody writes a condition in words: a payment needs no question when it is not above the limit and not for a foreign
# country: not amount > 1000, not country == "abroad".
# Expected: where `not` is a word, as in SQL, Python and spreadsheets' formulas, it goes after the comparison: not (amount > 1000).
# What happens: it goes before, as a table of ranks in the manual has it. (not amount) is false, since the amount is not zero,
# and false > 1000 is false as well: the condition is false for every amount. There is no error, for JavaScript compares
# false with a number. `not amount <= 1000` is the reverse: (not amount) counts as 0, which is within every limit.
# Who is hurt: limits which are written with "not". Where the condition lets through, everybody is asked about everything;
# where "not amount <= 1000" asks, it asks about a cent; and "not country == 'abroad'" is never met, whatever is decided by it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "expr-eval@2.0.2"
cat >"$folder/limit.js" <<'JS'
const { Parser } = require("expr-eval");

const described = [
  ["not amount > 1000", [false, false]],
  ["not (amount > 1000)", [true, false]],
  ["not amount <= 1000", [true, true]],
  ['not country == "abroad"', [false, false]],
  ['country != "abroad"', [true, false]],
];
const payments = [
  { amount: 50, country: "home" },
  { amount: 5000, country: "abroad" },
];
const asSeen = described.map(([condition, wanted]) => {
  const seen = payments.map((payment) => Parser.evaluate(condition, payment));
  console.log(`${condition}: at home for 50 ${seen[0]}, abroad for 5000 ${seen[1]}`);
  return JSON.stringify(seen) === JSON.stringify(wanted);
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/limit.js"
