#!/usr/bin/env bash
# hyperformula 3.5.0, Node 20; run on 2026-12-01.
#
# A workbook takes whole units of a balance, =INT(A1), and lots of three of a position, =INT(A1/3).
# Expected: -3 of -2.5. INT goes down to the next whole number in every spreadsheet, which is what tells it from TRUNC.
# What happens: -2. It is the same as TRUNC: the fraction is cut off, and a loss is rounded up. FLOOR(-2.5, 1) is -3 as it
# should be, and so is the remainder, MOD(-7, 3) is 2; so INT(A1/3)*3+MOD(A1,3), which has to be A1, is -4 for -7.
# Who is hurt: limits, fees and stocks that are worked out on a server from a workbook that people have approved. Tests with
# amounts above zero see nothing, and no cell shows an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "hyperformula@3.5.0"
cat >"$folder/balance.cjs" <<'JS'
const { HyperFormula } = require("hyperformula");

const described = [
  ["=INT(2.5)", 2],
  ["=INT(-2.5)", -2],
  ["=TRUNC(-2.5)", -2],
  ["=FLOOR(-2.5,1)", -3],
  ["=MOD(-7,3)", 2],
  ["=INT(-7/3)*3+MOD(-7,3)", -4],
];
const engine = HyperFormula.buildFromArray([[1]], { licenseKey: "gpl-v3" });
const asSeen = described.map(([formula, wanted]) => {
  const value = engine.calculateFormula(formula, 0);
  console.log(`${formula} is ${value}`);
  return value === wanted;
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/balance.cjs"
