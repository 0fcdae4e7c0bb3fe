#!/usr/bin/env bash
# json-logic-engine 5.0.7, Node 20; run on 2026-11-30.
#
# A rule pays without asking when every approval of the request is a yes; another one when the amount is within the
# customer's limit, or within 100 where the customer has none. The engine evaluates a rule with run(), and build() makes a
# function of it once, which is faster, for production.
# Expected: build() gives what run() gives, whatever the data.
# What happens: if the approvals were not fetched, "all of them" is false with run() and true with the function that
# build() made. If the limit is null, as a database sends a column without a value, run() keeps the null and does not pay,
# and the function takes the 100 and pays. An empty list, and a limit that is absent, are the same with both.
# Who is hurt: whoever tries rules with run(), as an editor or a test does, and serves them compiled. The same rule on the
# same data asks a person in one place and pays in the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "json-logic-engine@5.0.7"
cat >"$folder/rule.mjs" <<'JS'
import { LogicEngine } from "json-logic-engine";

const everyYes = { all: [{ var: "approvals" }, { "==": [{ var: "answer" }, "yes"] }] };
const within = { "<=": [{ var: "amount" }, { var: ["limit", 100] }] };
const requests = [
  [everyYes, { approvals: [{ answer: "yes" }, { answer: "no" }] }],
  [everyYes, { approvals: [] }],
  [everyYes, {}],
  [within, { amount: 80, limit: 50 }],
  [within, { amount: 80 }],
  [within, { amount: 80, limit: null }],
];
const engine = new LogicEngine();
const seen = [];
for (const [rule, request] of requests) {
  const [ran, built] = [engine.run(rule, request), engine.build(rule)(request)];
  seen.push(`${ran},${built}`);
  console.log(`${JSON.stringify(request)}: run() ${ran}, build() ${built}${ran === built ? "" : "  <- differ"}`);
}
process.exit(seen.join(" ") === "false,false false,false false,true false,false true,true false,true" ? 0 : 1);
JS
node "$folder/rule.mjs"
