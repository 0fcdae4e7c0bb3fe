#!/usr/bin/env bash
# bkflow-feel 1.2.0, Python 3.11; run on 2026-12-01.
#
# A decision asks a person when one of the invoices is above the limit, and both come from the data: `list contains` or a
# count of `invoices[amount > limit]`, the filter that FEEL has for this.
# Expected: the invoices above the limit. A filter of FEEL sees the fields of the item and, beside them, everything that is
# known outside; at least an error, as the same comparison outside of a filter is one when the limit is missing.
# What happens: inside the brackets there is nothing but the item. `limit` is null there, the comparison of a number with
# null raises, and the filter catches that, writes it to the log and leaves the item out. It does so with every item: the
# list is empty, whatever the amounts are. With the number itself in the brackets (`amount > 1000`) it is right, and that is
# how the examples are written. raise_exception=True, the default, has no say in it.
# Who is hurt: whoever takes the number out of the rule and puts it beside the data. No invoice is above any limit, and what
# was to be asked about is paid.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "bkflow-feel==1.2.0"
cat >"$folder/rule.py" <<'PYTHON'
import logging

from bkflow_feel.api import parse_expression

logging.disable(logging.CRITICAL)  # the tracebacks of what the filter catches
data = {"invoices": [{"amount": 100}, {"amount": 9000}], "limit": 1000}
seen = []
for rule in ("invoices[amount > 1000]", "invoices[amount > limit]"):
    seen.append(parse_expression(rule, data))
    print(f"{rule} is {seen[-1]}")
try:
    parse_expression("amount > limit", {"amount": 9000})
    seen.append("no error")
except Exception as error:
    seen.append("error")
    print(f"amount > limit, outside and without a limit: {type(error).__name__}")
raise SystemExit(0 if seen == [[{"amount": 9000}], [], "error"] else 1)
PYTHON
"$folder/venv/bin/python" -W ignore "$folder/rule.py"
