#!/usr/bin/env bash
# crewai 1.15.30, Python 3.11; run on 2026-11-30.
#
# A flow asks a person before it pays: @human_feedback(message="Pay?", emit=["approved", "rejected"], llm=...). The person
# writes "no, do not", and the model is asked which of the two outcomes that is. A model that keeps to no schema (many
# local ones) answers in a sentence: "The payment is not approved."
# Expected: an error, as the sentence is none of the outcomes, or "rejected".
# What happens: any outcome whose name stands somewhere in the sentence will do, the longest first, and of two of the same
# length the one that was listed first. "not approved" has "approved" in it, and so has "rather rejected than approved";
# the flow pays.
# Who is hurt: whoever lets people answer in words. A no becomes a yes whenever the model repeats what was asked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "crewai==1.15.30"
cat >"$folder/words.py" <<'PYTHON'
from crewai.flow.flow import Flow, listen, start
from crewai.flow.human_feedback import human_feedback
from crewai.llms.base_llm import BaseLLM


class Model(BaseLLM):
    """Answers in a sentence."""

    answer: str = ""

    def call(self, messages, *_, **__):
        return self.answer


class Person:
    def request_feedback(self, context, flow):
        return "no, do not"


def decided(sentence):
    did = []

    class Payment(Flow):
        @start()
        @human_feedback(
            message="Pay?",
            emit=["approved", "rejected"],
            llm=Model(model="scripted", answer=sentence),
            provider=Person(),
        )
        def propose(self):
            return "100 euros to the new account"

        @listen("approved")
        def pay(self):
            did.append("paid")

        @listen("rejected")
        def leave(self):
            did.append("left it")

    Payment(suppress_flow_events=True).kickoff()
    return did


seen = []
for sentence in ("Rejected", "The payment is not approved.", "Rather rejected than approved."):
    seen += decided(sentence)
    print(f"the person: no, do not; the model: {sentence} The flow {seen[-1]}")
raise SystemExit(0 if seen == ["left it", "paid", "paid"] else 1)
PYTHON
export CREWAI_TRACING_ENABLED=false CREWAI_DISABLE_TELEMETRY=true OTEL_SDK_DISABLED=true CREWAI_STORAGE_DIR="$folder/storage"
"$folder/venv/bin/python" "$folder/words.py"
