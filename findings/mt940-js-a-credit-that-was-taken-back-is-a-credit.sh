#!/usr/bin/env bash
# mt940-js 1.0.0 (with tslib 2.8.1, which it needs and does not name), Node 20; run on 2026-12-01.
#
# The statement of a bank has a payment that came in, and later on the same day the bank takes it back: the line of a
# transaction (:61:) begins with RC, reversal of a credit, where a C was; RD is a debit that is given back.
# Expected: what tells the two apart. The reversal takes 100 from the account, and the closing balance of the statement says
# so.
# What happens: the R is dropped. RC reads as C, RD as D, and even the id of the transaction, a hash, is the same as that of a
# payment with the same date, amount and code. No field has the letter.
# Who is hurt: whoever sums up or matches what has come in. An invoice whose payment bounced is paid twice, a sum is off by
# twice the amount, and what removes duplicates by id takes the reversal away.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "mt940-js@1.0.0" "tslib@2.8.1"
cat >"$folder/statement.cjs" <<'JS'
const { read } = require("mt940-js");

const statement = (mark, closing) =>
  [
    ":20:START",
    ":25:12345678/0000000001",
    ":28C:1/1",
    ":60F:C261130EUR1000,00",
    `:61:2612011201${mark}100,00NTRFNONREF`,
    ":86:INVOICE 7",
    `:62F:C261201EUR${closing},00`,
    "-",
    "",
  ].join("\r\n");

async function main() {
  const seen = {};
  for (const [mark, closing] of [["C", 1100], ["RC", 900], ["D", 900], ["RD", 1100]]) {
    const [{ transactions: [{ id, isCredit, amount }], closingBalance }] = await read(Buffer.from(statement(mark, closing)));
    seen[mark] = { id, isCredit, amount };
    console.log(`${mark}: ${isCredit ? "credit" : "debit"} of ${amount}, 1000 becomes ${closingBalance.value}, ${id}`);
  }
  const same = (one, other) => JSON.stringify(seen[one]) === JSON.stringify(seen[other]);
  process.exit(same("C", "RC") && same("D", "RD") && seen.RC.isCredit && !seen.RD.isCredit ? 0 : 1);
}
main();
JS
node "$folder/statement.cjs"
