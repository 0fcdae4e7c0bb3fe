#!/usr/bin/env bash
# microsoft-teams-apps, -api and -cards 2.1.1 (the Teams SDK for Python), Python 3.11; run on 2026-12-01.
#
# The button of a card carries the call that it approves: ExecuteAction(data={"owner": None, "discount": 0, …}), where
# None means that the field is to be emptied. The card is sent with the SDK's own client.
# Expected: data is the application's own, and goes out as it is; the click brings it back as it went out.
# What happens: the dictionary becomes a model with extra fields, and activities are written without fields that are None: the
# button has no owner any more. A None one level deeper stays, and so does one in a card that was made from JSON. What the click
# brings back is a call without the argument, which is another one: in most APIs a field that is not named is left as it is.
# Who is hurt: approvals of "remove the owner", "no end date", "no limit": people confirm them, and nothing is removed. A
# digest over the arguments does not fit any more, and only if somebody has one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "microsoft-teams-apps==2.1.1" "microsoft-teams-api==2.1.1" \
  "microsoft-teams-cards==2.1.1" "microsoft-teams-common==2.1.1"
cat >"$folder/button.py" <<'PYTHON'
import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from microsoft_teams.api import MessageActivityInput
from microsoft_teams.api.clients.conversation.activity import ConversationActivityClient
from microsoft_teams.cards import AdaptiveCard, ExecuteAction

sent = []


class Teams(BaseHTTPRequestHandler):
    """Takes messages."""

    def do_POST(self):
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        content = b'{"id": "1"}'
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Teams)
threading.Thread(target=server.serve_forever, daemon=True).start()
call = {"owner": None, "discount": 0, "address": {"line2": None}}
button = {"type": "Action.Execute", "title": "Approve", "verb": "approve", "data": call}
built = AdaptiveCard(body=[], actions=[ExecuteAction(title="Approve", verb="approve", data=call)])
read = AdaptiveCard.model_validate({"type": "AdaptiveCard", "body": [], "actions": [button]})


async def main():
    client = ConversationActivityClient(f"http://127.0.0.1:{server.server_port}")
    for card in (built, read):
        await client.create("19:conversation", MessageActivityInput().add_card(card))


asyncio.run(main())
server.shutdown()
data = [message["attachments"][0]["content"]["actions"][0]["data"] for message in sent]
for name, found in zip(("built", "read from JSON"), data, strict=True):
    print(f"{name}: {found}")
raise SystemExit(0 if data == [{"discount": 0, "address": {"line2": None}}, call] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/button.py"
