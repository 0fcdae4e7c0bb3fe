#!/usr/bin/env bash
# feelin 8.2.0, Node 20; run on 2026-12-01.
#
# Decision tables in FEEL: "[0..1000]" pays, and so does "<= 1000"; what is larger is asked about. A form sends the amount
# as text: "5000", or as people write it, "5,000" or "5000 EUR".
# Expected: null, as DMN has it for a comparison of a text with a number, so that no row matches; or an error.
# What happens: a text that JavaScript can read as a number is compared as one, so that "5000" is found out as it should be.
# Every other text is neither smaller nor larger than any number, and as `<=` and `>=` are made of that, both are true, and
# so are `between` and a closed range: "5,000" is within [0..1000], within [7..7] and <= -1. `>` and `<` are false. There is
# no warning. (Pull request 164 of nikku/feelin, from July 2026, would give null; it is in no version yet.)
# Who is hurt: tables that are fed from forms, mail or spreadsheets. An amount with a comma or a currency passes every upper
# limit that is written as the table editor writes it, and a test with "5000" says that all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "feelin@8.2.0"
cat >"$folder/table.mjs" <<'JS'
import { evaluate, unaryTest } from "feelin";

const described = [
  ["5000", [false, false, true, false]],
  ["5,000", [true, true, false, true]],
  ["5000 EUR", [true, true, false, true]],
  ["500", [true, true, false, true]],
  [500, [true, true, false, true]],
  [5000, [false, false, true, false]],
  [null, [false, false, false, null]],
];
let asSeen = evaluate('"5,000" in [7..7]').value === true && evaluate('"5,000" <= -1').value === true;
for (const [amount, values] of described) {
  const cells = ["[0..1000]", "<= 1000", "> 1000"].map((cell) => unaryTest(cell, { "?": amount }));
  const results = [...cells, evaluate("amount between 0 and 1000", { amount })];
  const seen = results.map(({ value }) => value);
  const warned = results.some(({ warnings }) => warnings?.length);
  console.log(`${JSON.stringify(amount)}: [0..1000] ${seen[0]}, <= 1000 ${seen[1]}, > 1000 ${seen[2]}, between ${seen[3]}` +
    (warned ? ", with a warning" : ""));
  asSeen &&= JSON.stringify(seen) === JSON.stringify(values) && !(warned && amount !== null);
}
process.exit(asSeen ? 0 : 1);
JS
node "$folder/table.mjs"
