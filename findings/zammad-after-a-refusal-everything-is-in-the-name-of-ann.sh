#!/usr/bin/env bash
# zammad-py 3.2.1 (requests 2.32.5), Python 3.11; run on 2026-11-30.
#
# A service writes to tickets of Zammad in the name of whoever has decided: `with client.request_on_behalf_of("ann"):`.
# Ann's decision is refused (422: the ticket is closed meanwhile), which raises, and the service goes on with its own work,
# in its own name, for which the client was set up (on_behalf_of="service").
# Expected: the name is put back when the block is left, however it is left; that is what `with` is for.
# What happens: it is put back only if nothing was raised. After the refusal every request of this client is in Ann's name,
# the service's own and those about other tickets, until some block ends well; and that one puts Ann back, as it had found
# her there. (A client that was set up without on_behalf_of raises KeyError at the beginning of the block.)
# Who is hurt: Ann. The history of the tickets says that she wrote and closed what a program did, and nothing but the
# header of a request shows it. It needs one refusal, which a test with a friendly server does not have.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "zammad-py==3.2.1" "requests==2.32.5"
cat >"$folder/tickets.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from requests.exceptions import HTTPError
from zammad_py import ZammadAPI

names = []


class Zammad(BaseHTTPRequestHandler):
    """Takes what is written to ticket 1, and refuses ticket 2."""

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        ticket = int(self.path.rsplit("/", 1)[1])
        name = self.headers["X-On-Behalf-Of"]
        names.append(name)
        print(f"ticket {ticket} in the name of {name}: {'refused' if ticket == 2 else 'written'}")
        content = json.dumps({"error": "closed"} if ticket == 2 else {"id": ticket}).encode()
        self.send_response(422 if ticket == 2 else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Zammad)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = ZammadAPI(
    url=f"http://127.0.0.1:{server.server_port}/api/v1/", http_token="token", on_behalf_of="service"
)
with client.request_on_behalf_of("ann"):
    client.ticket.update(1, {"note": "approved"})
client.ticket.update(1, {"note": "booked"})
try:
    with client.request_on_behalf_of("ann"):
        client.ticket.update(2, {"note": "approved"})
except HTTPError as refused:
    print(f"raised: {refused}")
client.ticket.update(1, {"note": "closed by the service"})
with client.request_on_behalf_of("bo"):
    client.ticket.update(1, {"note": "approved"})
client.ticket.update(1, {"note": "closed by the service"})
server.shutdown()
raise SystemExit(0 if names == ["ann", "service", "ann", "ann", "bo", "ann"] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/tickets.py"
