#!/usr/bin/env bash
# pyautogen 0.9.0 with openai 2.54.0 (the current ag2 line, autogen 0.14.1, does not do it); Python 3.11;
# run on 2026-11-29.
#
# An async chat (a_initiate_chat) with a model that answers without content (null): a finished turn
# without text, as models give after a tool call when there is nothing to add.
# Expected: one request per turn, and an event loop that goes on with other work while the model thinks.
# What happens: the empty answer counts as "this reply function had no reply", so the agent goes on to
# the next entry of its list, which is the synchronous twin of the same function. The model is asked and
# paid for a second time, with the same messages, and the twin's blocking HTTP call runs on the event loop:
# every other chat and every heartbeat of the process stands still for as long as the model takes.
# Who is hurt: whoever runs many chats in one process (servers, bots), and whoever counts tokens.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyautogen==0.9.0" "openai==2.54.0"
cat >"$folder/silent.py" <<'PYTHON'
import asyncio
import json
import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import autogen

logging.disable(logging.CRITICAL)
asked = []
THINKS_S = 1.0


class Model(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked.append(body["messages"])
        time.sleep(THINKS_S)
        message = {"role": "assistant", "content": None}
        answer = {
            "id": "c", "object": "chat.completion", "created": 1, "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1},
        }
        said = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
settings = {
    "config_list": [
        {"model": "m", "api_key": "k", "base_url": f"http://127.0.0.1:{server.server_port}/v1"}
    ],
    "cache_seed": None,
}
longest = 0.0


async def heartbeat():
    global longest
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.02)
        longest = max(longest, time.monotonic() - before)


async def main():
    task = asyncio.create_task(heartbeat())
    worker = autogen.AssistantAgent("worker", llm_config=settings)
    person = autogen.ConversableAgent("person", llm_config=False, human_input_mode="NEVER")
    await person.a_initiate_chat(worker, message="Hello", max_turns=1, silent=True)
    await asyncio.sleep(0.1)
    task.cancel()


asyncio.run(main())
same = len(asked) == 2 and asked[0] == asked[1]
stood = longest > THINKS_S / 2
print("requests for one turn:", len(asked), "with the same messages" if same else "")
print("the event loop stood still for about as long as the model takes:", stood)
raise SystemExit(0 if same and stood else 1)
PYTHON
"$folder/venv/bin/python" "$folder/silent.py" 2>/dev/null
