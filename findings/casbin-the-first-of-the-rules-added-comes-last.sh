#!/usr/bin/env bash
# casbin 5.51.1 (node-casbin), Node 20; run on 2026-12-01.
#
# Rules have numbers, and the smallest one that matches decides (p = priority, sub, obj, eft with the effect priority(p.eft) ||
# deny). Rule 1 lets Bo release payments, rules 2 and 3 forbid it to his team and to everybody. They are made while the server
# runs, one after the other, with addPolicy().
# Expected: the order 1, 2, 3, in which they are when they are loaded, and Bo may.
# What happens: added, the order is 2, 3, 1, and Bo may not. A rule whose number is larger than all others goes before the last
# one instead of behind it, so the first rule stays behind all that follow. Added from the largest number down, they are right,
# and after the next start, when they are loaded and sorted, too.
# Who is hurt: whoever makes rules from a page for administrators. The rule that is to decide is asked last, and the same rules
# decide differently before and after a restart, and on two servers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "casbin@5.51.1"
cat >"$folder/rules.cjs" <<'JS'
const { newEnforcer, newModelFromString, StringAdapter } = require("casbin");

const model = () =>
  newModelFromString(`
[request_definition]
r = sub, obj
[policy_definition]
p = priority, sub, obj, eft
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = (r.sub == p.sub || p.sub == "team" || p.sub == "all") && r.obj == p.obj
`);
const rules = [
  ["1", "bo", "release", "allow"],
  ["2", "team", "release", "deny"],
  ["3", "all", "release", "deny"],
];

async function told(how, enforcer) {
  const order = (await enforcer.getPolicy()).map(([priority]) => priority).join();
  const may = await enforcer.enforce("bo", "release");
  console.log(`${how}: asked in the order ${order}, Bo ${may ? "may" : "may not"}`);
  return [order, may];
}

async function added(how, order) {
  const enforcer = await newEnforcer(model());
  for (const rule of order) await enforcer.addPolicy(...rule);
  return told(how, enforcer);
}

async function main() {
  const text = rules.map((rule) => ["p", ...rule].join(", ")).join("\n");
  const seen = [
    await added("added", rules),
    await added("added from the last", [...rules].reverse()),
    await told("loaded", await newEnforcer(model(), new StringAdapter(text))),
  ];
  process.exit(JSON.stringify(seen) === '[["2,3,1",false],["1,2,3",true],["1,2,3",true]]' ? 0 : 1);
}
main();
JS
node "$folder/rules.cjs"
