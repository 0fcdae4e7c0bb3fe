#!/usr/bin/env bash
# praisonaiagents 1.7.17, Python 3.11; run on 2026-12-01.
#
# The tool `pay` needs approval at the highest level, "critical", and a backend of one's own asks a person. The model pays
# Bo 100, as approved. Later in the same conversation, with or without a reason, it calls pay with the same arguments again.
# Expected: the person is asked again: it is another payment. The answer was a plain approved=True; answers for a session or
# for ever are others, and are named in the decision.
# What happens: the approval is remembered for the context, and a call with the same name and arguments goes through without
# a question, for as long as the program runs in this context, however often. With 101 in place of 100 the person is asked.
# Comments in the source say that this is meant; the page on interactive approval has "allow once" beside "always allow",
# and says nothing of it. clear_approval_context() forgets it.
# Who is hurt: tools of which two calls are two deeds: payments, orders, mails. A model that repeats a call, as models do,
# is not held up, and the record of approvals shows one for what was done three times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "praisonaiagents==1.7.17"
cat >"$folder/pay.py" <<'PYTHON'
import logging
import os

os.environ["OPENAI_API_KEY"] = "no model is called"
os.environ["PRAISONAI_TELEMETRY_DISABLED"] = os.environ["DO_NOT_TRACK"] = "true"
logging.disable(logging.CRITICAL)

from praisonaiagents import Agent
from praisonaiagents.approval import ApprovalDecision, add_approval_requirement, clear_approval_context

asked, paid = [], []


class Person:
    """Says yes, once for each question."""

    def request_approval_sync(self, request):
        asked.append(dict(request.arguments))
        return ApprovalDecision(approved=True, approver="ann")

    async def request_approval(self, request):
        return self.request_approval_sync(request)


def pay(payee: str, amount: int) -> str:
    """Pays somebody."""
    paid.append((payee, amount))
    return "paid"


add_approval_requirement("pay", risk_level="critical")
clerk = Agent(name="clerk", instructions="Pay what is due.", tools=[pay], approval=Person())
seen = []
for amount in (100, 100, 100, 101):
    clerk.execute_tool("pay", {"payee": "Bo", "amount": amount})
    seen.append((len(asked), len(paid)))
    print(f"pay(Bo, {amount}): asked {len(asked)} times so far, paid {len(paid)} times")
clear_approval_context()
clerk.execute_tool("pay", {"payee": "Bo", "amount": 100})
seen.append((len(asked), len(paid)))
print(f"pay(Bo, 100) after clear_approval_context(): asked {len(asked)}, paid {len(paid)}")
raise SystemExit(0 if seen == [(1, 1), (1, 2), (1, 3), (2, 4), (3, 5)] else 1)
PYTHON
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" "$folder/pay.py"
