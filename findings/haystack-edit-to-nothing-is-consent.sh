#!/usr/bin/env bash
# haystack-ai 3.4.1, Python 3.11; run on 2026-11-30.
#
# An agent's tool calls wait for a person (ConfirmationHook with BlockingConfirmationStrategy). All arguments
# of the tool have defaults. The agent proposes two of them; the person answers "modify" and takes both out, so
# that the tool runs as it does by default.
# Expected: the tool runs with its defaults, as it runs with any other changed arguments.
# What happens: an answer whose changed arguments are an empty object is not taken for a change at all. The
# strategy goes on to its last branch, which is that of "confirm": the tool runs with exactly what the person
# took out. The messages of the chat say nothing of a change either; with one argument left in, both are right.
# Who is hurt: whoever lets people edit calls. The one edit that removes everything is carried out as consent
# to everything, and the record afterwards shows a plain approval.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "haystack-ai==3.4.1"
cat >"$folder/edit.py" <<'PYTHON'
from haystack import component
from haystack.components.agents import Agent
from haystack.dataclasses import ChatMessage, ToolCall
from haystack.hooks.human_in_the_loop import (
    AlwaysAskPolicy,
    BlockingConfirmationStrategy,
    ConfirmationHook,
    ConfirmationUIResult,
)
from haystack.tools import tool

ran = []


@tool
def send_reminder(customers: str = "overdue", urgent: bool = False) -> str:
    """Remind customers of their invoices."""
    ran.append({"customers": customers, "urgent": urgent})
    return "sent"


@component
class Scripted:
    """A model that proposes one call and then ends."""

    def __init__(self):
        self.turn = 0

    @component.output_types(replies=list[ChatMessage])
    def run(self, messages: list[ChatMessage], tools=None, **_):
        self.turn += 1
        if self.turn == 1:
            call = ToolCall("send_reminder", {"customers": "all", "urgent": True}, id="c1")
            return {"replies": [ChatMessage.from_assistant(tool_calls=[call])]}
        return {"replies": [ChatMessage.from_assistant("done")]}


class Person:
    """Somebody who changes the arguments."""

    def __init__(self, changed):
        self.changed = changed

    def get_user_confirmation(self, tool_name, tool_description, tool_params):
        return ConfirmationUIResult(action="modify", new_tool_params=self.changed)


def run_of(changed):
    ran.clear()
    strategy = BlockingConfirmationStrategy(
        confirmation_policy=AlwaysAskPolicy(), confirmation_ui=Person(changed)
    )
    hook = ConfirmationHook(confirmation_strategies={"send_reminder": strategy})
    agent = Agent(chat_generator=Scripted(), tools=[send_reminder], hooks={"before_tool": [hook]})
    messages = agent.run(messages=[ChatMessage.from_user("remind them")])["messages"]
    told = any("updated by the user" in (m.text or "") for m in messages)
    return ran[-1], told


one_left = run_of({"customers": "overdue"})
none_left = run_of({})
print("changed to one argument:", *one_left)
print("changed to none:        ", *none_left)
as_seen = one_left == ({"customers": "overdue", "urgent": False}, True) and none_left == (
    {"customers": "all", "urgent": True},
    False,
)
raise SystemExit(0 if as_seen else 1)
PYTHON
"$folder/venv/bin/python" "$folder/edit.py"
