#!/usr/bin/env bash
# fast-formula-parser 1.0.19, and hyperformula 3.5.0 beside it, Node 20; run on 2026-12-01.
#
# A formula looks at a word that a person has typed: =IF(A1="rejected","stop","pay"), and at who has signed: =IF(A1<>A2,"two
# people","one").
# Expected: Rejected is rejected. In spreadsheets = and <> do not tell capitals from small letters; for whoever wants that,
# there is EXACT, which this library has as well.
# What happens: = compares as EXACT does. "Rejected" is not "rejected", so the payment is made, and "ann" and "Ann" are two
# people.
# Who is hurt: formulas that were written and tried in a spreadsheet, and are worked out on a server with this library. Both
# branches are plausible, so nothing shows it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "fast-formula-parser@1.0.19" "hyperformula@3.5.0"
cat >"$folder/word.cjs" <<'JS'
const FormulaParser = require("fast-formula-parser");
const { HyperFormula } = require("hyperformula");

const cells = ["Rejected", "ann", "Ann"];
const parser = new FormulaParser({ onCell: ({ row }) => cells[row - 1] });
const engine = HyperFormula.buildFromArray(cells.map((text) => [text]), { licenseKey: "gpl-v3" });
const described = [
  ['IF(A1="Rejected","stop","pay")', "stop", "stop"],
  ['IF(A1="rejected","stop","pay")', "pay", "stop"],
  ['IF(A2<>A3,"two people","one")', "two people", "one"],
];
const asSeen = described.map(([formula, wanted, other]) => {
  const value = parser.parse(formula, { row: 1, col: 2, sheet: "S" });
  const beside = engine.calculateFormula(`=${formula}`, 0);
  console.log(`${formula} is ${value}, hyperformula says ${beside}`);
  return value === wanted && beside === other;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/word.cjs"
