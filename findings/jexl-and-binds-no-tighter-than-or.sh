#!/usr/bin/env bash
# jexl 2.3.0, Node 20; run on 2026-12-01.
#
# A rule lets a payment pass without a question: to a supplier who is known, or when it is small and within the budget:
#   supplier == "known" || amount < 100 && budget == "ok"
# Expected: as in JavaScript, whose expressions these are meant to look like, && goes before ||. A known supplier passes.
# What happens: && and || have the same rank and are read from left to right, (known or small) and within the budget. The
# other way round, "amount < 100 && budget == 'ok' || supplier == 'known'", it is what one expects. Nothing warns, and the
# description of the operators says nothing of their ranks.
# Who is hurt: conditions of approvals, of steps and of feature switches, which people write in forms. Changing the order of
# two halves of a condition changes who is asked; a rule "urgent || manager && agreed" needs the agreement always.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "jexl@2.3.0"
cat >"$folder/pass.js" <<'JS'
const jexl = require("jexl");

const payment = { supplier: "known", amount: 5000, budget: "spent" };
const rules = [
  'supplier == "known" || amount < 100 && budget == "ok"',
  'amount < 100 && budget == "ok" || supplier == "known"',
  'supplier == "known" || (amount < 100 && budget == "ok")',
];
const { supplier, amount, budget } = payment;
const inJavaScript = supplier == "known" || (amount < 100 && budget == "ok");
const seen = rules.map((rule) => {
  const passes = jexl.evalSync(rule, payment);
  console.log(`${rule}: ${passes}; JavaScript: ${inJavaScript}`);
  return passes;
});
process.exit(JSON.stringify(seen) === "[false,true,true]" ? 0 : 1);
JS
node "$folder/pass.js"
