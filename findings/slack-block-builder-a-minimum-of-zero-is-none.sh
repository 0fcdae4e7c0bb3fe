#!/usr/bin/env bash
# slack-block-builder 2.8.0, Node 20; run on 2026-12-01.
#
# A form in Slack asks for the amount that is approved. It is not to be negative, and it stands at 0 until somebody types:
# Elements.NumberInput({ actionId: "amount", minValue: 0, initialValue: 0 }), or the methods of the same names.
# Expected: "min_value": "0" and "initial_value": "0" in the JSON for Slack. Of its helpers for conditions the README says
# that 0 is not taken for "nothing", to avoid side effects.
# What happens: both are left out without a word, and so is a maxValue of 0. With 1 they are there, and with the text "0",
# which the types do not allow.
# Who is hurt: whoever relies on Slack to refuse what is below the minimum, since that is what it is for. -500 is accepted,
# and the refund that was approved is a charge.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "slack-block-builder@2.8.0"
cat >"$folder/form.cjs" <<'JS'
const { Blocks, Elements, Modal } = require("slack-block-builder");

const described = [
  [1, { min_value: "1", max_value: "1", initial_value: "1" }],
  [0, {}],
  ["0", { min_value: "0", max_value: "0", initial_value: "0" }],
];
const asSeen = described.map(([value, wanted]) => {
  const amounts = [
    Elements.NumberInput({ actionId: "amount", minValue: value, maxValue: value, initialValue: value }),
    Elements.NumberInput({ actionId: "amount" }).minValue(value).maxValue(value).initialValue(value),
  ];
  const seen = amounts.map((amount) => {
    const form = Modal({ title: "Refund" }).blocks(Blocks.Input({ label: "Amount" }).element(amount));
    const { type, action_id, ...rest } = JSON.parse(form.buildToJSON()).blocks[0].element;
    return JSON.stringify(rest);
  });
  console.log(`all three ${JSON.stringify(value)}: ${seen.join(" and ")}`);
  return seen.every((one) => one === JSON.stringify(wanted));
});
process.exit(asSeen.every(Boolean) ? 0 : 1);
JS
node "$folder/form.cjs"
