#!/usr/bin/env bash
# humanlayer 0.7.9, pydantic 2.14.4, Python 3.11; run on 2026-11-30.
#
# A function needs approval (`@hl.require_approval()`), and what it returns goes to a model. One person presses Reject and
# writes nothing beside it. Another one approves, and the function books the payment and then fails at the receipt.
# Expected: the model reads that it was denied, as it does when there is a comment; and that the function failed.
# What happens: it reads "Error fetching approval for pay: ..." both times. A rejection without a comment is an exception
# inside the wrapper, and the wrapper catches it, and whatever the approved function raises, as if the approval had not
# come through. (The command line variant of the same decorator does say "Error running pay".)
# Who is hurt: a model that is told that no approval could be fetched asks for it once more. The person who said no is
# asked again until they write something, and the payment that was made is proposed, approved and made a second time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "humanlayer==0.7.9" "pydantic==2.14.4"
cat >"$folder/pay.py" <<'PYTHON'
from humanlayer import HumanLayer
from humanlayer.core.models import FunctionCallStatus
from humanlayer.core.protocol import AgentBackend, AgentStore


class Person(AgentStore, AgentBackend):
    """Keeps the one call that is open, and has its decision ready."""

    def __init__(self, decision):
        self.decision = decision

    def functions(self):
        return self

    def add(self, call):
        self.call = call
        return call

    def get(self, call_id):
        return self.call.model_copy(update={"status": self.decision})


booked = []


def told(decision):
    hl = HumanLayer(backend=Person(decision), sleep=lambda seconds: None)

    @hl.require_approval()
    def pay(to, amount, receipt):
        booked.append((to, amount))
        if receipt is None:
            raise RuntimeError("no printer")
        return "paid"

    return pay(to="Ann", amount=100, receipt=None)


texts = [
    told(FunctionCallStatus(approved=False, comment="too much")),
    told(FunctionCallStatus(approved=False)),
    told(FunctionCallStatus(approved=True)),
]
for said, text in zip(("no, too much", "no", "yes"), texts, strict=True):
    print(f"the person says {said!r}, the model is told {text!r}")
print(f"booked: {booked}")
fetching = [text.startswith("Error fetching approval for pay") for text in texts]
raise SystemExit(0 if fetching == [False, True, True] and booked == [("Ann", 100)] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/pay.py"
