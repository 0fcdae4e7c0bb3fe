#!/usr/bin/env bash
# genkit 1.42.0 (genkit/beta, where interrupts are), Node 20; run on 2026-11-30.
#
# A model calls `pay` twice in one turn, for Ann and for Bo, and the tool interrupts to ask a person. The model
# gives its calls no `ref`, which is optional in Genkit; the plugins for Gemini and Ollama pass one on only where
# the answer of the model has something to make it of. The person agrees to Ann's payment with
# `pay.restart(interrupt)`, and nobody has answered for Bo.
# Expected: the error that says that every interrupt needs an answer, as it comes when the calls have a ref; with
# both answers, Ann and Bo.
# What happens: answers are matched to calls by name and ref, so that without a ref every call of the tool takes
# the first answer, with the arguments in it. Ann is paid twice, Bo's call is replaced by hers, and the model is
# told that both are done. With both answered it is the same, and a refusal for the first refuses both.
# Who is hurt: approvals with models that do not number their calls. What runs is not what was asked about, and the
# person sees two different questions on the way there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "genkit@1.42.0"
cat >"$folder/pay.mjs" <<'JS'
import { genkit, z } from "genkit/beta";

const ai = genkit({});
const paid = [];
const pay = ai.defineTool(
  { name: "pay", description: "Pay somebody.", inputSchema: z.object({ to: z.string() }) },
  async ({ to }, { interrupt, resumed }) => {
    if (!resumed) interrupt({ question: `Pay ${to}?` });
    paid.push(to);
    return `paid ${to}`;
  },
);
let refs = false;
ai.defineModel({ name: "scripted", supports: { tools: true, multiturn: true } }, async ({ messages }) => {
  const calls = ["Ann", "Bo"].map((to) => ({
    toolRequest: { name: "pay", input: { to }, ...(refs ? { ref: to } : {}) },
  }));
  const content = messages.at(-1).role === "tool" ? [{ text: "done" }] : calls;
  return { message: { role: "model", content }, finishReason: "stop" };
});

async function run(withRefs, agreed) {
  refs = withRefs;
  paid.length = 0;
  const first = await ai.generate({ model: "scripted", tools: [pay], prompt: "pay both" });
  const asked = first.interrupts.map(({ metadata }) => metadata.interrupt.question);
  const restart = first.interrupts
    .filter(({ toolRequest }) => agreed.includes(toolRequest.input.to))
    .map((interrupt) => pay.restart(interrupt, { agreed: true }));
  const outcome = await ai
    .generate({ model: "scripted", tools: [pay], messages: first.messages, resume: { restart } })
    .then((response) => response.text, (error) => error.status);
  console.log(`ref: ${withRefs}, asked: ${asked.join(" ")}, agreed: ${agreed} -> ${outcome}, paid: ${paid}`);
  return [outcome, ...paid];
}

const seen = [
  await run(true, ["Ann", "Bo"]),
  await run(false, ["Ann", "Bo"]),
  await run(false, ["Ann"]),
];
const asSeen = [
  ["done", "Ann", "Bo"],
  ["done", "Ann", "Ann"],
  ["done", "Ann", "Ann"],
];
process.exit(JSON.stringify(seen) === JSON.stringify(asSeen) ? 0 : 1);
JS
GENKIT_ENV=prod node "$folder/pay.mjs" 2>/dev/null
