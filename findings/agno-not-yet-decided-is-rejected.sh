#!/usr/bin/env bash
# agno 3.1.10, openai 3.57.0, Python 3.11; run on 2026-11-30.
#
# A model calls `pay` twice in one turn, and the tool needs confirmation, so the run pauses with two requirements.
# Ann's payment is confirmed; Bo's is for somebody else, who has not answered yet. The run is continued.
# Expected: it stays paused on Bo's, since a run waits until its requirements are resolved, or it refuses to go on.
# What happens: whatever is not confirmed counts as rejected. The run is completed, and the model is told that the
# user rejected the call, whom nobody has asked. The requirement is no longer among the active ones, and the
# tool's `confirmed` says False, so that the record cannot be told from a real no. Whoever wants to confirm it
# later gets an error. Continuing with nothing decided at all ends like this as well.
# Who is hurt: calls of one turn that belong to different people, and servers that go on with what has come in. A
# silence is on the record as a refusal, and Bo is told that he was turned down.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "agno==3.1.10" "openai==3.57.0"
cat >"$folder/pay.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.models.openai import OpenAIChat
from agno.tools import tool

paid, told = [], []


class Model(BaseHTTPRequestHandler):
    """Speaks the chat protocol: two calls first, then the end."""

    def do_POST(self):
        messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
        told[:] = [message["content"] for message in messages if message["role"] == "tool"]
        message = {"role": "assistant", "content": "done"}
        if not told:
            message["tool_calls"] = [
                {"id": f"c{who}", "type": "function", "function": {"name": "pay", "arguments": arguments}}
                for who, arguments in enumerate(('{"to": "Ann"}', '{"to": "Bo"}'))
            ]
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        answer = {"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@tool(requires_confirmation=True)
def pay(to: str) -> str:
    """Pay somebody."""
    paid.append(to)
    return "paid"


def go_on_with(confirmed):
    paid.clear()
    model = OpenAIChat(id="m", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none")
    agent = Agent(model=model, tools=[pay], db=InMemoryDb(), telemetry=False)
    paused = agent.run("pay both", session_id="s")
    asked = [requirement.tool_execution.tool_args["to"] for requirement in paused.active_requirements]
    for requirement in paused.requirements:
        if requirement.tool_execution.tool_args["to"] in confirmed:
            requirement.confirm()
    after = agent.continue_run(run_id=paused.run_id, requirements=paused.requirements, session_id="s")
    record = {call.tool_args["to"]: call.confirmed for call in after.tools}
    print(f"asked {asked}, confirmed {confirmed}: {after.status.value}, still asked {after.active_requirements}")
    print(f"  paid {paid}, record {record}, the model is told {told}")
    return asked, after.status.value, after.active_requirements, list(paid), record, list(told)


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
both, no = ["Ann", "Bo"], "Function call was rejected by the user"
as_seen = go_on_with(["Ann"]) == (
    both, "COMPLETED", [], ["Ann"], {"Ann": True, "Bo": False}, ["paid", no]
)  # fmt: skip
as_seen &= go_on_with([]) == (both, "COMPLETED", [], [], {"Ann": False, "Bo": False}, [no, no])
raise SystemExit(0 if as_seen else 1)
PYTHON
"$folder/venv/bin/python" "$folder/pay.py"
