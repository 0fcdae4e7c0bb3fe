#!/usr/bin/env bash
# monday-api-python-sdk 1.6.8, Python 3.11; run on 2026-12-01.
#
# A decision is written to an item of monday.com as an update: client.updates.create_update(item_id, "Approved by Ann"). The
# gateway in front of the service gives up waiting and answers 504, although the update is written. The SDK itself knows
# this answer: its error says that the server could not process the request in time.
# Expected: an error after one request, since nobody knows whether the update is there. A client that tries again leaves
# that to reading, or asks for it.
# What happens: every query is sent up to four times, and mutations are queries: after any error status, after an answer
# that is no JSON, and after an answer with "errors" (which may have written a part). There is no wait in between. Four
# updates are there, and then an exception says that it failed. max_retry_attempts=1 of the client switches it off.
# Who is hurt: whoever writes comments, items or approvals. An audit trail has the same decision four times, items are made
# four times with what hangs on them, and the program, which was told that nothing was done, begins again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "monday-api-python-sdk==1.6.8"
cat >"$folder/update.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from monday_sdk import MondayClient

written = []


class Gateway(BaseHTTPRequestHandler):
    """Hands the update on, and does not wait for the answer."""

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["query"]
        written.append(" ".join(query.split()))
        content = b"<html><body>504 Gateway Time-out</body></html>"
        self.send_response(504)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Gateway)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = []
for options in ({}, {"max_retry_attempts": 1}):
    client = MondayClient(token="token", **options)
    client.updates.client.endpoint = f"http://127.0.0.1:{server.server_port}/v2"
    written.clear()
    try:
        client.updates.create_update(item_id=7, update_value="Approved by Ann")
    except Exception as error:
        print(f"{type(error).__name__}: {str(error)[:80]}...")
    print(f"{options or 'no options'}: written {len(written)} times: {written[0]}")
    seen.append(len(written))
server.shutdown()
raise SystemExit(0 if seen == [4, 1] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/update.py"
