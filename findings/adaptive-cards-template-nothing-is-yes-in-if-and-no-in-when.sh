#!/usr/bin/env bash
# adaptivecards-templating 2.3.1 with adaptive-expressions 4.23.3, Node 20; run on 2026-12-01.
#
# A card warns when something was counted: "$when": "${overdue}" on a block, and ${if(overdue, 'overdue', 'paid')} in a line,
# with the number of invoices that are overdue.
# Expected: one idea of what is true. JavaScript's would do: 0 and "" are not, 3 and "yes" are.
# What happens: there are two. For if(), and, or and not, everything is true that is neither false nor null, so 0 and "" are:
# a customer with 0 overdue invoices is "overdue". For $when nothing is true but true itself, so 3 is not: the block with the
# warning is left out for a customer with 3. bool() is a third one: bool(0) is false, bool("") is true, bool("false") false.
# Who is hurt: whoever decides by the card. The two marks of one fact contradict each other, and both are wrong; the warning
# is missing exactly where it is needed, without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" \
  "adaptivecards-templating@2.3.1" "adaptive-expressions@4.23.3"
cat >"$folder/overdue.js" <<'JS'
const { Template } = require("adaptivecards-templating");

const card = {
  type: "AdaptiveCard",
  body: [
    { type: "TextBlock", text: "${if(overdue, 'overdue', 'paid')}" },
    { type: "TextBlock", $when: "${overdue}", text: "WARNING" },
    { type: "TextBlock", text: "${bool(overdue)}" },
  ],
};
const described = [
  [0, ["overdue", false]],
  [3, ["overdue", true]],
  ["", ["overdue", true]],
  ["yes", ["overdue", true]],
  [true, ["overdue", "WARNING", true]],
  [false, ["paid", false]],
];
const asSeen = described.map(([overdue, texts]) => {
  const seen = new Template(card).expand({ $root: { overdue } }).body.map((block) => block.text);
  console.log(`${JSON.stringify(overdue)}: ${JSON.stringify(seen)}`);
  return JSON.stringify(seen) === JSON.stringify(texts);
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/overdue.js"
