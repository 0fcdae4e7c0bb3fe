#!/usr/bin/env bash
# llama-index-workflows 2.26.1, Python 3.11; run on 2026-11-30.
#
# A step of a workflow asks a person twice, one after the other, with `Context.wait_for_event`: two waiters with
# two different `waiter_id`s, both for HumanResponseEvent, the event that the library has for this. The person
# says no to the first and yes to the second.
# Expected: each call returns the answer to its own question. That the step runs again from its beginning for
# each answer is documented.
# What happens: both questions are asked in their order, and the first call first returns "no". When the answer
# to the second arrives, the step runs again, and now the first call returns "yes" as well: an event that comes
# in is given to every waiter for its type that the step has, also to one that has been answered. With
# `requirements` that tell the answers apart (checked in the second half) each keeps its own.
# Who is hurt: workflows with more than one approval. The last answer counts for all of them, and what was
# refused is carried out; with one question, as in the examples, nothing is to be seen.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "llama-index-workflows==2.26.1"
cat >"$folder/answers.py" <<'PYTHON'
import asyncio

from workflows import Context, Workflow, step
from workflows.events import HumanResponseEvent, InputRequiredEvent, StartEvent, StopEvent

SAYS = {"delete the account": "no", "send a letter": "yes"}
tell_apart = False
first_heard = []


class TwoQuestions(Workflow):
    @step
    async def ask(self, ctx: Context, ev: StartEvent) -> StopEvent:
        answers = {}
        for question in SAYS:
            answer = await ctx.wait_for_event(
                HumanResponseEvent,
                waiter_id=question,
                waiter_event=InputRequiredEvent(prefix=question),
                requirements={"about": question} if tell_apart else {},
            )
            answers[question] = answer.response
            if question == "delete the account":
                first_heard.append(answer.response)
        return StopEvent(result=answers)


async def run():
    first_heard.clear()
    asked = []
    handler = TwoQuestions(timeout=30).run()
    async for event in handler.stream_events():
        if isinstance(event, InputRequiredEvent):
            asked.append(event.prefix)
            answer = HumanResponseEvent(response=SAYS[event.prefix], about=event.prefix)
            handler.ctx.send_event(answer)
    return asked, list(first_heard), await handler


together = asyncio.run(run())
tell_apart = True
apart = asyncio.run(run())
for name, (asked, heard, answers) in (("without requirements", together), ("with requirements", apart)):
    print(f"{name}: asked {asked}; the first call returned {heard}; in the end {answers}")
as_seen = (
    together[0] == list(SAYS)
    and (together[1][0], together[1][-1]) == ("no", "yes")
    and together[2] == dict.fromkeys(SAYS, "yes")
    and apart[2] == SAYS
    and set(apart[1]) == {"no"}
)
raise SystemExit(0 if as_seen else 1)
PYTHON
"$folder/venv/bin/python" "$folder/answers.py"
