#!/usr/bin/env bash
# node-rules 9.2.0, Node 20; run on 2026-12-01.
#
# Rules decide about a payment, the one with the highest `priority` first, and the first that matches stops: a limit of the
# law (priority 10), the limit of the house (5), and one that has no priority, or the priority 0, as it is to come last.
# Expected: 10, 5, and then the one without or with 0, in whatever order they were registered.
# What happens: two rules are compared by their priorities only if both have one that is not 0; otherwise they count as
# equal. The sort believes that, and one such rule in between is enough for the others not to be compared any more:
# registered as 5, none, 10 they run as 5, none, 10. A rule with priority 10 does not come before one with 0 that was
# registered earlier.
# Who is hurt: whoever gives the important rules a priority and leaves the rest, which is how one begins. It works until
# somebody adds a rule in the middle of the list, and then another limit decides than before, without a change to either of
# them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "node-rules@9.2.0"
cat >"$folder/decide.cjs" <<'JS'
const { RuleEngine } = require("node-rules");

const order = (priorities) =>
  new Promise((resolve) => {
    const rules = priorities.map((priority) => ({
      name: String(priority),
      ...(priority === "none" ? {} : { priority }),
      condition: (engine) => engine.when(true),
      consequence: (engine) => engine.next(),
    }));
    new RuleEngine(rules).execute({ amount: 500 }, ({ matchPath }) => {
      console.log(`registered as ${priorities.join(", ")}: run as ${matchPath.join(", ")}`);
      resolve(matchPath.join(" "));
    });
  });

(async () => {
  const seen = [await order([1, 5, 10]), await order([5, "none", 10]), await order([0, 10]), await order([5, 0, 10])];
  process.exit(JSON.stringify(seen) === JSON.stringify(["10 5 1", "5 none 10", "0 10", "5 0 10"]) ? 0 : 1);
})();
JS
node "$folder/decide.cjs"
