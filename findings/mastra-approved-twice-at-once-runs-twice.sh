#!/usr/bin/env bash
# @mastra/core 1.71.0, Node 20; run on 2026-11-30.
#
# A tool has requireApproval: true, and the agent waits for a decision on one call of it. Two people press Approve at the
# same moment, or one person presses twice, so that approveToolCall() is called twice for this run and call.
# Expected: one runs the tool, the other is refused. It is so if the second comes after the first has ended: "could not
# find a suspended run".
# What happens: both are taken, the tool runs twice, and both streams end well. (An approval beside a rejection: both are
# taken as well, one stream says denied and the other one runs the tool.)
# Who is hurt: whoever calls it from a button. The refusal that one sees in tests does not hold for what is simultaneous;
# a lock, or a compare-and-set on the decision, has to be one's own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --legacy-peer-deps "@mastra/core@1.71.0" "zod@4.1.12" >/dev/null 2>&1
cat >approve.mjs <<'JS'
import { Mastra } from "@mastra/core";
import { Agent } from "@mastra/core/agent";
import { InMemoryStore } from "@mastra/core/storage";
import { createTool } from "@mastra/core/tools";
import { z } from "zod";

const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };

function waiting() {
  const paid = [];
  let turns = 0;
  const model = {
    specificationVersion: "v2", provider: "scripted", modelId: "scripted", supportedUrls: {},
    async doStream() {
      turns += 1;
      const call = { type: "tool-call", toolCallId: "c1", toolName: "pay", input: '{"amount":100}' };
      const text = [{ type: "text-start", id: "t" }, { type: "text-delta", id: "t", delta: "Done." }, { type: "text-end", id: "t" }];
      const finishReason = turns === 1 ? "tool-calls" : "stop";
      const parts = [{ type: "stream-start", warnings: [] }, ...(turns === 1 ? [call] : text), { type: "finish", finishReason, usage }];
      return { stream: new ReadableStream({ start(to) { parts.forEach((part) => to.enqueue(part)); to.close(); } }) };
    },
  };
  const pay = createTool({
    id: "pay", description: "Pays.", inputSchema: z.object({ amount: z.number() }), requireApproval: true,
    execute: async ({ amount }) => { paid.push(amount); return { ok: true }; },
  });
  const agent = new Agent({ id: "clerk", name: "clerk", instructions: "Pay.", model, tools: { pay } });
  const mastra = new Mastra({ agents: { clerk: agent }, storage: new InMemoryStore(), logger: false });
  return { agent: mastra.getAgent("clerk"), paid };
}

async function ended(stream) {
  for await (const _ of stream.fullStream);
  return "taken";
}

async function decide(atOnce) {
  const { agent, paid } = waiting();
  const first = await agent.stream("Pay 100.");
  await ended(first);
  const approve = () => agent.approveToolCall({ runId: first.runId, toolCallId: "c1" }).then(ended);
  const refused = () => "refused";
  const answers = atOnce
    ? await Promise.all([approve().catch(refused), approve().catch(refused)])
    : [await approve().catch(refused), await approve().catch(refused)];
  console.log(`${atOnce ? "at once" : "one after the other"}: ${answers.join(", ")}; paid ${paid.length} times`);
  return [...answers, paid.length].join();
}

const inTurn = await decide(false);
const atOnce = await decide(true);
process.exit(inTurn === "taken,refused,1" && atOnce === "taken,taken,2" ? 0 : 1);
JS
node approve.mjs
