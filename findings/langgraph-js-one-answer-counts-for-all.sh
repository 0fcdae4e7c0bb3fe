#!/usr/bin/env bash
# @langchain/langgraph 1.7.3 (with @langchain/core 1.4.0), Node 20; run on 2026-11-30.
#
# Two nodes run side by side and each asks a person with `interrupt`. The result shows both questions. The person
# for the first one says yes, and the graph is resumed with `new Command({ resume: "yes" })`, as with one question.
# Expected: an error that asks which question is meant, as the same library for Python gives ("When there are
# multiple pending interrupts, you must specify the interrupt id when resuming"), or one question answered and the
# other still open.
# What happens: both nodes go on with "yes", and the graph is finished. With a map from the ids of the interrupts
# to the answers each gets its own, and one that is left out stays open.
# Who is hurt: graphs with more than one approval at a time, above all those that were tried with one. Whoever
# answers first has decided for everybody, and the others are not asked any more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "@langchain/langgraph@1.7.3" "@langchain/core@1.4.0"
cat >"$folder/resume.mjs" <<'JS'
import { Annotation, Command, END, MemorySaver, START, StateGraph, interrupt } from "@langchain/langgraph";

const State = Annotation.Root({
  done: Annotation({ reducer: (before, more) => ({ ...before, ...more }), default: () => ({}) }),
});
const ask = (question) => async () => ({ done: { [question]: interrupt(question) } });
const graph = new StateGraph(State)
  .addNode("legal", ask("sign the contract?"))
  .addNode("finance", ask("pay 90,000 EUR?"))
  .addEdge(START, "legal")
  .addEdge(START, "finance")
  .addEdge("legal", END)
  .addEdge("finance", END)
  .compile({ checkpointer: new MemorySaver() });

async function answered(thread_id, resumeFor) {
  const config = { configurable: { thread_id } };
  const paused = await graph.invoke({}, config);
  const questions = paused.__interrupt__;
  const legal = questions.find(({ value }) => value === "sign the contract?");
  const result = await graph.invoke(new Command({ resume: resumeFor(legal) }), config);
  const open = (result.__interrupt__ ?? []).map(({ value }) => value);
  console.log(`${thread_id}: asked ${questions.length}, then ${JSON.stringify(result.done)}, open: ${open}`);
  return [questions.length, result.done, open];
}

const seen = [
  await answered("one plain answer", () => "yes"),
  await answered("one answer by id", (legal) => ({ [legal.id]: "yes" })),
];
const asSeen = [
  [2, { "sign the contract?": "yes", "pay 90,000 EUR?": "yes" }, []],
  [2, { "sign the contract?": "yes" }, ["pay 90,000 EUR?"]],
];
const sorted = (_, value) =>
  value && !Array.isArray(value) && typeof value === "object" ? Object.entries(value).sort() : value;
process.exit(JSON.stringify(seen, sorted) === JSON.stringify(asSeen, sorted) ? 0 : 1);
JS
node "$folder/resume.mjs"
