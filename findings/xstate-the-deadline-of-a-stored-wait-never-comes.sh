#!/usr/bin/env bash
# xstate 5.33.3, Node 20; run on 2026-12-01.
#
# A request waits for an approval and expires after two days: after: { 172800000: "expired" }. The server keeps it by
# getPersistedSnapshot(), and another one goes on from there with createActor(machine, { snapshot }).start().
# Expected: it expires two days after it began to wait. At the worst the two days begin anew with each restart, as the time
# at which they began is not stored.
# What happens: it never expires. The timers of a state are set when it is entered, and a restored state is not entered; what
# was planned is no part of the snapshot, and nothing says so. A promise that was under way is begun anew by the same
# restart, so "what was going on goes on" would be a fair guess. Leaving the state and coming back sets the timer again.
# Who is hurt: deadlines, reminders and escalations of everything that lived through one restart. Requests wait for ever, and
# an approval that should have lapsed long ago is still accepted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" "xstate@5.33.3"
cat >"$folder/deadline.mjs" <<'JS'
import { createActor, createMachine, fromPromise, SimulatedClock } from "xstate";

const DAY = 24 * 60 * 60 * 1000;
let begun = 0;
const look = fromPromise(async () => { begun += 1; return new Promise(() => {}); });
const machine = createMachine({
  initial: "waiting",
  states: {
    waiting: {
      invoke: { src: look },
      after: { [2 * DAY]: "expired" },
      on: { APPROVE: "approved", ASK: "asking" },
    },
    asking: { on: { ANSWERED: "waiting" } },
    approved: {},
    expired: {},
  },
});

function days(n, actor, clock) {
  clock.increment(n * DAY);
  return actor.getSnapshot().value;
}

const first = new SimulatedClock();
const before = createActor(machine, { clock: first }).start();
const afterOne = days(1, before, first);
const stored = JSON.stringify(before.getPersistedSnapshot());
const restarted = new SimulatedClock();
const after = createActor(machine, { clock: restarted, snapshot: JSON.parse(stored) }).start();
const seen = {
  "one server, 1 day": afterOne,
  "the same, 3 days": days(2, before, first),
  "restarted after 1 day, 3 days": days(2, after, restarted),
  "restarted, a year": days(365, after, restarted),
  "looks begun": begun,
};
after.send({ type: "ASK" });
after.send({ type: "ANSWERED" });
seen["asked and answered, 2 days more"] = days(2, after, restarted);
console.log(seen);
const described = ["waiting", "expired", "waiting", "waiting", 2, "expired"];
process.exit(JSON.stringify(Object.values(seen)) === JSON.stringify(described) ? 0 : 1);
JS
node "$folder/deadline.mjs"
