#!/usr/bin/env bash
# autogen 0.14.1 (pyautogen 0.9.0 does the same), pydantic 2.14.3, Python 3.11; run on 2026-11-29.
#
# A tool parameter is annotated with a description and a limit, the way both libraries document:
#     Amount = Annotated[float, "Amount in EUR", Field(le=100)]
# Expected: AutoGen shows the description to the model, and 500 is refused by pydantic.
# What happens: to turn the text into its own description object, AutoGen replaces the whole metadata
# of the annotation, in place, when the function becomes a tool. The limit is gone from the schema that
# the model is shown and from the conversion of the call, and since the annotation is one shared object,
# every other use of it in the process loses the limit as well: pydantic refuses 500 before the
# registration and takes it afterwards.
# Who is hurt: everybody who limits amounts, lengths or patterns of tool arguments in the annotation,
# and whoever shares such an annotation with an API or a form in the same process. Limits inside a
# pydantic model that is the parameter stay.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "autogen[openai]==0.14.1" "pydantic==2.14.3"
cat >"$folder/limits.py" <<'PYTHON'
from typing import Annotated

import autogen
from pydantic import Field, TypeAdapter, ValidationError

Amount = Annotated[float, "Amount in EUR", Field(le=100)]


def refused(value):
    try:
        TypeAdapter(Amount).validate_python(value)
    except ValidationError:
        return True
    return False


def pay(amount: Amount) -> str:
    return f"paid {amount:.2f}"


before = refused(500)
executor = autogen.ConversableAgent("executor", llm_config=False)
executor.register_for_execution()(pay)
_, answer = executor.execute_function({"name": "pay", "arguments": '{"amount": 500}'}, verbose=False)
after = refused(500)
print("pydantic refuses 500 before the registration:", before)
print("the tool called with 500 says:", answer["content"])
print("pydantic refuses 500 after the registration:", after)
raise SystemExit(0 if (before, answer["content"], after) == (True, "paid 500.00", False) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/limits.py" 2>/dev/null
