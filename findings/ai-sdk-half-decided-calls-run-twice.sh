#!/usr/bin/env bash
# ai 7.0.173 (AI SDK), Node 20; run on 2026-11-30.
#
# A model calls `pay` twice in one turn, and the tool needs approval. Two people decide, one after the other, and
# the server goes on whenever an answer has come in, with the messages that it has: first with the answer to Ann's
# payment, then with both.
# Expected: with one answer nothing runs, or Ann is paid and the result is in what comes back; with both answers
# Bo is paid.
# What happens: the approved call runs before anybody looks whether all are decided. Ann is paid, then the missing
# answer is noticed and generateText throws AI_MissingToolResultsError before the model is called. The error has no
# messages and no results on it, so the history still says "approved, not run"; with the second answer Ann is paid
# again and Bo for the first time. The documentation of the error calls it a protection against an incomplete
# history and does not say that something has run. With streamText it is the same (the result passes by in the
# stream before the error; the response has none).
# Who is hurt: servers with more than one approver or more than one call a turn. Each answer but the last is
# carried out once more for every answer that follows, and every attempt but the last is reported as an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "ai@7.0.173" "zod@4.6.7"
cat >"$folder/pay.mjs" <<'JS'
import { generateText, tool } from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { z } from "zod";

let asked = 0;
const says = (content, unified) =>
  new MockLanguageModelV4({
    doGenerate: async () => {
      asked += 1;
      const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
      return { content, finishReason: { unified, raw: unified }, usage, warnings: [] };
    },
  });
const call = (toolCallId, to) => {
  return { type: "tool-call", toolCallId, toolName: "pay", input: JSON.stringify({ to }) };
};

const paid = [];
const pay = tool({
  description: "Pay somebody.",
  inputSchema: z.object({ to: z.string() }),
  needsApproval: true,
  execute: async ({ to }) => {
    paid.push(to);
    return "paid";
  },
});

const messages = [{ role: "user", content: "pay both" }];
const goOn = (model) => generateText({ model, tools: { pay }, messages });
const first = await goOn(says([call("c1", "Ann"), call("c2", "Bo")], "tool-calls"));
messages.push(...first.responseMessages);
const requests = first.content.filter((part) => part.type === "tool-approval-request");
const answers = { role: "tool", content: [] };
messages.push(answers);
asked = 0;

const seen = [];
for (const { approvalId } of requests) {
  answers.content.push({ type: "tool-approval-response", approvalId, approved: true });
  const outcome = await goOn(says([{ type: "text", text: "done" }], "stop")).then(
    (result) => result.text,
    (error) => error.name,
  );
  seen.push([outcome, [...paid], asked]);
  console.log(`${answers.content.length} of 2 approved: ${outcome}; paid: ${paid}; model called: ${asked}`);
}
const asSeen = [
  ["AI_MissingToolResultsError", ["Ann"], 0],
  ["done", ["Ann", "Ann", "Bo"], 1],
];
process.exit(JSON.stringify(seen) === JSON.stringify(asSeen) ? 0 : 1);
JS
node "$folder/pay.mjs"
