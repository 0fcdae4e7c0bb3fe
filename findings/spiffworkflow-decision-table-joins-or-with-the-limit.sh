#!/usr/bin/env bash
# SpiffWorkflow 3.2.0 (lxml 6.1.3), Python 3.11; run on 2026-11-30.
#
# A decision table in DMN: the input is an expression in Python, as this engine wants it, `corrected or amount` (the amount
# that a person has corrected, otherwise the one of the invoice). The first rule is "< 1000", pay; the second ">= 1000", ask.
# Expected: the value of the expression is compared with the limit.
# What happens: the two texts are put side by side and evaluated as one, `corrected or amount< 1000`, and `or` binds more
# weakly than `<`. A corrected amount is never compared with anything: whatever it is, it is taken for a yes, the first
# rule matches, and 5,000 is paid. Nothing is raised, as any value is true or false in Python. Where nobody has corrected
# anything the table is right. It is the same with `a if b else c`. A cell without an operator is put in parentheses.
# Who is hurt: whoever writes a default or a choice into an input of a table. The rules look right in the editor, the
# usual cases come out right, and the exceptions, for which the table was made, go by the order of its rows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "SpiffWorkflow==3.2.0" "lxml==6.1.3"
cat >"$folder/how.dmn" <<'XML'
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="rules" name="rules" namespace="rules">
  <decision id="how" name="How">
    <decisionTable id="table">
      <input id="in" label="amount"><inputExpression id="value" typeRef="number"><text>corrected or amount</text></inputExpression></input>
      <output id="out" label="how" name="how" typeRef="string" />
      <rule id="r1"><inputEntry id="i1"><text>&lt; 1000</text></inputEntry><outputEntry id="o1"><text>"pay"</text></outputEntry></rule>
      <rule id="r2"><inputEntry id="i2"><text>&gt;= 1000</text></inputEntry><outputEntry id="o2"><text>"ask"</text></outputEntry></rule>
    </decisionTable>
  </decision>
</definitions>
XML
cat >"$folder/invoice.bpmn" <<'XML'
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="all" targetNamespace="invoices">
  <process id="invoice" isExecutable="true">
    <startEvent id="start"><outgoing>to_decide</outgoing></startEvent>
    <sequenceFlow id="to_decide" sourceRef="start" targetRef="decide" />
    <businessRuleTask id="decide" camunda:decisionRef="how"><incoming>to_decide</incoming><outgoing>to_end</outgoing></businessRuleTask>
    <sequenceFlow id="to_end" sourceRef="decide" targetRef="end" />
    <endEvent id="end"><incoming>to_end</incoming></endEvent>
  </process>
</definitions>
XML
cat >"$folder/decide.py" <<'PYTHON'
from pathlib import Path

from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.camunda.parser.CamundaParser import CamundaParser

folder = Path(__file__).parent
parser = CamundaParser()
parser.add_bpmn_file(str(folder / "invoice.bpmn"))
parser.add_dmn_file(str(folder / "how.dmn"))
process = parser.get_spec("invoice")
seen = []
for corrected, amount in ((None, 50), (None, 5000), (5000, 50), (5000, 5000)):
    workflow = BpmnWorkflow(process)
    workflow.task_tree.data.update(corrected=corrected, amount=amount)
    workflow.do_engine_steps()
    how = workflow.last_task.data["how"]
    seen.append(how)
    print(f"invoice of {amount}, corrected to {corrected}: {how}")
raise SystemExit(0 if seen == ["pay", "ask", "pay", "pay"] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/decide.py"
