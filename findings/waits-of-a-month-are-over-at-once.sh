#!/usr/bin/env bash
# xstate 5.33.3 and @mastra/core 1.71.0, Node 20; run on 2026-11-30.
#
# A state machine waits for a decision and expires after 30 days: `after: {[30 days]: "expired"}`. A workflow
# sends the reminder in 30 days: `.sleepUntil(date).then(remind)`.
# Expected: both wait for 30 days, or refuse.
# What happens: both hand the delay to setTimeout as it is, and what does not fit into 31 bits of milliseconds
# (24.8 days) is 1 millisecond there. The machine is "expired" before anybody can look, and an approval that comes
# then is an event that this state does not know: dropped without a word. The workflow runs its next step at
# once and reports success. 24 days are waited for. A test with xstate's own SimulatedClock sees the right time;
# all that Node says is a warning that names neither library nor machine nor step.
# Who is hurt: approvals, trials and contracts that run for a month or a quarter. They are over when they begin,
# with whatever is done on expiry: reject, cancel, charge.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "xstate@5.33.3" "@mastra/core@1.71.0" "zod@4.6.7"
cat >"$folder/wait.mjs" <<'JS'
import { createStep, createWorkflow } from "@mastra/core/workflows";
import { createActor, createMachine, SimulatedClock } from "xstate";
import { z } from "zod";

const DAY = 24 * 60 * 60 * 1000;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const machine = (days) =>
  createMachine({
    initial: "waiting",
    states: {
      waiting: { after: { [days * DAY]: "expired" }, on: { approve: "approved" } },
      approved: {},
      expired: {},
    },
  });

async function approvedAfterASecond(days) {
  const actor = createActor(machine(days)).start();
  await pause(1000);
  const before = actor.getSnapshot().value;
  actor.send({ type: "approve" });
  const after = actor.getSnapshot().value;
  actor.stop();
  return `${before}, then ${after}`;
}

function inATest(days) {
  const clock = new SimulatedClock();
  const actor = createActor(machine(days), { clock }).start();
  clock.increment(days * DAY - 1);
  return actor.getSnapshot().value;
}

async function reminded(days) {
  let sent = "not sent";
  const step = { inputSchema: z.any(), outputSchema: z.any() };
  const remind = createStep({ id: "remind", ...step, execute: async () => (sent = "sent") });
  const workflow = createWorkflow({ id: `in-${days}-days`, ...step });
  workflow.sleepUntil(new Date(Date.now() + days * DAY)).then(remind).commit();
  const run = await workflow.createRun();
  const status = run.start({ inputData: {} }).then((result) => result.status);
  const then = await Promise.race([status, pause(3000).then(() => "waiting")]);
  return `${then}, ${sent}`;
}

const seen = {
  "xstate, 24 days, approved after a second": await approvedAfterASecond(24),
  "xstate, 30 days, approved after a second": await approvedAfterASecond(30),
  "xstate, 30 days, simulated clock, just before": inATest(30),
  "mastra, reminder in 24 days, after three seconds": await reminded(24),
  "mastra, reminder in 30 days, after three seconds": await reminded(30),
};
for (const [what, state] of Object.entries(seen)) console.log(`${what}: ${state}`);
const asSeen = [
  "waiting, then approved",
  "expired, then expired",
  "waiting",
  "waiting, not sent",
  "success, sent",
];
process.exit(JSON.stringify(Object.values(seen)) === JSON.stringify(asSeen) ? 0 : 1);
JS
MASTRA_TELEMETRY_DISABLED=1 node "$folder/wait.mjs" 2>/dev/null
