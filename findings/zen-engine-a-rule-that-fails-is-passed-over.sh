#!/usr/bin/env bash
# zen-engine 2.1.3 (GoRules), Python 3.11; run on 2026-11-30.
#
# A decision table with hit policy "first": amounts "> 1000" are asked about, the last row, whose cell is empty, pays. A
# form sends the amount as a text, "5000"; or an amount is not there at all; or somebody has typed "=> 1000" into the cell.
# Expected: an error. The same comparison as an expression of this engine is one: "Opcode Compare: Unsupported type".
# What happens: in a table a cell that cannot be evaluated, or cannot even be read, is a cell that does not match. The row
# is passed over, the next one is tried, and the last one pays. validate() of the decision has nothing to say against
# "=> 1000", and the trace names the row that matched, not the one that failed. A row whose output raises is passed over,
# too.
# Who is hurt: tables with the limits first and the usual case last, as most are. Every mistake, in the data or in a cell,
# turns a limit off without a sign: the table keeps answering, with the answer for what has no limit.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "zen-engine==2.1.3"
cat >"$folder/table.py" <<'PYTHON'
import json

import zen

place = {"x": 0, "y": 0}


def decides(cell, request):
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "a", "name": "amount", "field": "amount"}],
        "outputs": [{"id": "h", "name": "how", "field": "how"}],
        "rules": [{"_id": "1", "a": cell, "h": '"ask"'}, {"_id": "2", "a": "", "h": '"pay"'}],
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": place},
        {"id": "table", "type": "decisionTableNode", "name": "table", "position": place, "content": table},
        {"id": "out", "type": "outputNode", "name": "out", "position": place},
    ]
    edges = [
        {"id": "1", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "2", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    decision.validate()
    how = decision.evaluate(request)["result"]["how"]
    print(f"cell {cell!r}, {request}: {how}")
    return how


seen = [
    decides("> 1000", {"amount": 5000}),
    decides("> 1000", {"amount": "5000"}),
    decides("> 1000", {}),
    decides("=> 1000", {"amount": 5000}),
]
try:
    zen.evaluate_expression("amount > 1000", {"amount": "5000"})
    refused = False
except Exception as error:  # what is raised is a plain RuntimeError or ValueError
    refused = "Unsupported type" in str(error)
print(f"the comparison as an expression, with '5000': {'an error' if refused else 'no error'}")
raise SystemExit(0 if seen == ["ask", "pay", "pay", "pay"] and refused else 1)
PYTHON
"$folder/venv/bin/python" "$folder/table.py"
