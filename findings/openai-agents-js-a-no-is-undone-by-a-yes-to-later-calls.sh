#!/usr/bin/env bash
# @openai/agents 0.20.0 (zod 4.6.7), Node 20; run on 2026-12-01.
#
# A model calls `pay` twice in one turn, and the tool needs approval. Bo's payment is rejected: state.reject(b). Ann's is
# approved, and so that nobody is asked again, with the option for that: state.approve(a, { alwaysApprove: true }).
# Expected: Ann is paid, Bo is not. The option is described as approving all future calls of the tool in this run, and Bo's
# call is neither later nor undecided.
# What happens: Bo is paid. The list of calls that were rejected, with Bo's in it, is cleared by the approval. With the two
# lines the other way round Bo is not paid, and with alwaysReject and then a yes to the other call that one is paid, as it
# should be.
# Who is hurt: screens that send the answers to several calls in the order in which they were given, or in which they are
# listed. A person has said no to a payment, the answer was taken, and the payment is made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "@openai/agents@0.20.0" "zod@4.6.7"
cat >"$folder/pay.mjs" <<'JS'
import { Agent, run, setTracingDisabled, tool, Usage } from "@openai/agents";
import { z } from "zod";

setTracingDisabled(true);
const call = (callId, to) => {
  return { type: "function_call", callId, name: "pay", arguments: JSON.stringify({ to }), status: "completed" };
};
const text = { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text: "done" }] };

async function payBoth(decide) {
  const paid = [];
  const turns = [[call("c1", "Ann"), call("c2", "Bo")], [text]];
  const model = { getResponse: async () => ({ usage: new Usage(), output: turns.shift() }) };
  const parameters = z.object({ to: z.string() });
  const execute = async ({ to }) => {
    paid.push(to);
    return "paid";
  };
  const pay = tool({ name: "pay", description: "Pay somebody.", parameters, needsApproval: true, execute });
  const agent = new Agent({ name: "clerk", instructions: "Pay.", model, tools: [pay] });
  const asked = await run(agent, "pay both");
  decide(asked.state, ...asked.interruptions);
  await run(agent, asked.state);
  return paid.join();
}

const seen = {
  "no to Bo, yes to Ann": await payBoth((state, ann, bo) => {
    state.reject(bo);
    state.approve(ann);
  }),
  "yes to Ann and later ones, no to Bo": await payBoth((state, ann, bo) => {
    state.approve(ann, { alwaysApprove: true });
    state.reject(bo);
  }),
  "no to Bo, yes to Ann and later ones": await payBoth((state, ann, bo) => {
    state.reject(bo);
    state.approve(ann, { alwaysApprove: true });
  }),
};
console.log(seen);
process.exit(Object.values(seen).join(" ") === "Ann Ann Ann,Bo" ? 0 : 1);
JS
node "$folder/pay.mjs"
