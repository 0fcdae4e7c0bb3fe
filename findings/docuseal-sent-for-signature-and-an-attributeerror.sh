#!/usr/bin/env bash
# docuseal 1.0.9 (DocuSeal's own client), Python 3.11; run on 2026-11-30.
#
# A contract is sent for signature with create_submission(). The server, or the proxy in front of a DocuSeal of one's own,
# closes the connection after each answer, as HTTP allows, and says so: "Connection: close".
# Expected: the submission is returned, as it is when the connection is kept open.
# What happens: when the answer has come, the client sets the timeout for reading on the socket, which Python's http.client
# has by then handed over to the answer. `'NoneType' object has no attribute 'settimeout'` is raised instead of the
# submission, which exists: the signers have had their mail. What is read afterwards fails in the same way. (For the wait
# for the answer the other setting is used, open_timeout; read_timeout has no say in it.)
# Who is hurt: whoever takes an exception for "not sent" and tries again: each try sends the contract once more. A proxy
# that is put in front, or a setting of it, turns a program that worked into one that does that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "docuseal==1.0.9"
cat >"$folder/sign.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from docuseal import docuseal

sent = []


class Server(BaseHTTPRequestHandler):
    """Sends each submission it is given, and keeps the connection open or closes it."""

    protocol_version = "HTTP/1.1"
    closes = False

    def do_POST(self):
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        content = json.dumps([{"id": len(sent), "status": "sent"}]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if self.closes:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
docuseal.key = "token"
docuseal.url = f"http://127.0.0.1:{server.server_port}"
seen = []
for Server.closes in (False, True):
    try:
        answer = docuseal.create_submission({"template_id": 1, "submitters": [{"email": "ann@example.org"}]})
    except AttributeError as error:
        answer = f"AttributeError: {error}"
    seen.append((str(answer).startswith("AttributeError"), len(sent)))
    how = "closed" if Server.closes else "kept open"
    print(f"connection {how}: {answer}; sent for signature so far: {len(sent)}")
raise SystemExit(0 if seen == [(False, 1), (True, 2)] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/sign.py"
