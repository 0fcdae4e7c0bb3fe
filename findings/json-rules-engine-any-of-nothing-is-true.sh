#!/usr/bin/env bash
# json-rules-engine 7.3.1, Node 20; run on 2026-11-30.
#
# A rule pays without asking when the amount is small and the payee is any of those on a list; the conditions of
# the `any` are made from the list. Somebody takes the last payee off it.
# Expected: any of nothing is nobody (Array.some, SQL, CEL and JsonLogic say so), and the rule does not fire.
# What happens: a list of conditions that is empty is true for the engine whatever stands over it, so `any: []`
# holds as `all: []` does. Taking the last entry away turns the narrowest rule into the widest: every payee is
# on the list. No error, and the result of the rule shows `any` with result true and no condition below it.
# Who is hurt: rules that are edited in a form or built from a table. Each entry that is removed makes the rule
# stricter, but for the last one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "json-rules-engine@7.3.1"
cat >"$folder/rule.mjs" <<'JS'
import { Engine } from "json-rules-engine";

async function paysWithoutAsking(listed, payee) {
  const small = { fact: "amount", operator: "lessThan", value: 100 };
  const known = listed.map((value) => ({ fact: "payee", operator: "equal", value }));
  const engine = new Engine([{ conditions: { all: [small, { any: known }] }, event: { type: "pay" } }]);
  const { events, results, failureResults } = await engine.run({ amount: 20, payee });
  const [result] = [...results, ...failureResults];
  return [events.length === 1, result.conditions.all[1].result];
}

const seen = [];
for (const listed of [["Contoso", "Fabrikam"], ["Contoso"], []]) {
  const [pays, any] = await paysWithoutAsking(listed, "Stranger Ltd");
  seen.push(pays, any);
  console.log(`listed: ${JSON.stringify(listed)}; result of any: ${any}; pays Stranger Ltd: ${pays}`);
}
process.exit(JSON.stringify(seen) === "[false,false,false,false,true,true]" ? 0 : 1);
JS
node "$folder/rule.mjs"
