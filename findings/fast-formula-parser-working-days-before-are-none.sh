#!/usr/bin/env bash
# fast-formula-parser 1.0.19, and hyperformula 3.5.0 beside it, Node 20; run on 2026-12-01.
#
# A formula says until when a payment can be objected to, or has to be approved: three working days before it is due,
# =WORKDAY(due, -3).
# Expected: Wednesday 2 December for Monday 7 December; a spreadsheet counts backwards when the number is below zero. Or an
# error.
# What happens: the day comes back on which it began, whatever the number is: Monday the 7th, and for a Saturday that Saturday.
# Forwards it is right, with holidays as well. NETWORKDAYS of the same library does count backwards.
# Who is hurt: deadlines that lie before a date. The approval may come on the day of the payment, and a reminder "two working
# days before" goes out with the payment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "fast-formula-parser@1.0.19" "hyperformula@3.5.0"
cat >"$folder/due.cjs" <<'JS'
const FormulaParser = require("fast-formula-parser");
const { HyperFormula } = require("hyperformula");

const parser = new FormulaParser();
const engine = HyperFormula.buildFromArray([[1]], { licenseKey: "gpl-v3" });
const described = [
  ["DATE(2026,12,7),3", "2026-12-10", "2026-12-10"],
  ["DATE(2026,12,7),-3", "2026-12-07", "2026-12-02"],
  ["DATE(2026,12,7),-20", "2026-12-07", "2026-11-09"],
  ["DATE(2026,12,5),-1", "2026-12-05", "2026-12-04"],
];
const asSeen = described.map(([given, wanted, other]) => {
  const formula = `TEXT(WORKDAY(${given}),"yyyy-mm-dd")`;
  const day = parser.parse(formula, { row: 1, col: 1, sheet: "S" });
  const beside = engine.calculateFormula(`=${formula}`, 0);
  console.log(`WORKDAY(${given}) is ${day}, hyperformula says ${beside}`);
  return day === wanted && beside === other;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/due.cjs"
