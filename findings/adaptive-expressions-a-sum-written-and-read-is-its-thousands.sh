#!/usr/bin/env bash
# adaptive-expressions 4.23.3 (templates of Adaptive Cards, bots of Bot Framework), Node 20; run on 2026-12-01.
#
# A card that asks for an approval is a template, and its amounts pass through a text on the way: a field of a form, a value
# that was made with string(), the fact of an earlier card. To compare or to add, the template reads it with float().
# Expected: float(string(x)) is x. What is no number, or has signs that float() does not know, is an error, which the
# function has ("cannot be converted").
# What happens: string() writes a number with separators of thousands, 25080.5 as "25,080.5", and float() and int() read up
# to the first sign that they do not know: 25. There is no error. A text with one of its own, "1,234.50", is 1, and "1e3" is
# 1 with int(). An amount below a thousand is right, so tests with small amounts do not see it.
# Who is hurt: the person who reads the card, and the condition in it. A warning for more than 10,000 is left out at 25,080.5,
# and the total of two rows of 1,200 is 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "adaptive-expressions@4.23.3"
cat >"$folder/amount.js" <<'JS'
const { Expression } = require("adaptive-expressions");

const data = { amount: 25080.5, small: 250.5, typed: "1,234.50", row: 1200 };
const described = [
  ["string(amount)", "25,080.5"],
  ["float(string(amount))", 25],
  ["float(string(amount)) > 10000", false],
  ["amount > 10000", true],
  ["float(string(small))", 250.5],
  ["float(typed)", 1],
  ["float(string(row)) + float(string(row))", 2],
];
const asSeen = described.map(([written, wrong]) => {
  const { value, error } = Expression.parse(written).tryEvaluate(data);
  console.log(`${written}: ${error ?? JSON.stringify(value)}`);
  return error === undefined && value === wrong;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/amount.js"
