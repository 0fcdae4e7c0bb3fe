#!/usr/bin/env bash
# crewai 1.15.30, Python 3.11; run on 2026-11-30.
#
# A flow asks a person before it pays: @human_feedback(message="Pay?", emit=["approved", "rejected"]), the outcomes in the
# order in which the documentation writes them, and a method that listens to each of them. The person sends an empty
# answer: Enter at the console, a message that was cleared, a form of a web page that was sent as it stood.
# Expected: the question is asked again, or an error, or neither outcome; no default_outcome was named.
# What happens: an empty answer (or one of spaces only) is the first name of `emit`, so "approved", and the flow pays. No
# model is asked, and the history shows the outcome "approved" beside the empty text.
# Who is hurt: whoever lists the harmful outcome first and does not name a default. Saying nothing is consent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "crewai==1.15.30"
cat >"$folder/nothing.py" <<'PYTHON'
from crewai.flow.flow import Flow, listen, start
from crewai.flow.human_feedback import human_feedback
from crewai.llms.base_llm import BaseLLM

asked, did = [], []


class Model(BaseLLM):
    """Would read answers."""

    def call(self, messages, *_, **__):
        asked.append(messages)
        return '{"outcome": "rejected"}'


class Person:
    """Sends what was not filled in."""

    def request_feedback(self, context, flow):
        return "  \n"


class Payment(Flow):
    @start()
    @human_feedback(
        message="Pay?", emit=["approved", "rejected"], llm=Model(model="scripted"), provider=Person()
    )
    def propose(self):
        return "100 euros to the new account"

    @listen("approved")
    def pay(self):
        did.append("paid")

    @listen("rejected")
    def leave(self):
        did.append("left it")


flow = Payment(suppress_flow_events=True)
flow.kickoff()
outcome = flow.last_human_feedback.outcome
print(f"answer: nothing; outcome: {outcome}; the flow {did[0]}; the model was asked {len(asked)} times")
raise SystemExit(0 if (outcome, did, asked) == ("approved", ["paid"], []) else 1)
PYTHON
export CREWAI_TRACING_ENABLED=false CREWAI_DISABLE_TELEMETRY=true OTEL_SDK_DISABLED=true CREWAI_STORAGE_DIR="$folder/storage"
"$folder/venv/bin/python" "$folder/nothing.py"
