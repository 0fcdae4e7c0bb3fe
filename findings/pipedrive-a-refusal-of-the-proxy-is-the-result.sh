#!/usr/bin/env bash
# pipedrive-python-lib 1.2.3, Python 3.11; run on 2026-12-01.
#
# A deal is set to won after an approval: client.deals.update_deal(7, {"status": "won"}). Pipedrive is being deployed, or
# there were too many requests, and the proxy in front of it answers 503 or 429 with a page of HTML, as proxies do.
# Expected: an exception. The library has one for each of these statuses (TooManyRequestsError, ServiceUnavailableError and
# others), and raises them when the answer is JSON.
# What happens: an answer that is not JSON is returned before anybody looks at its status. update_deal() returns the page, a
# text, as its result, for reading and deleting as well.
# Who is hurt: whoever waits for exceptions, as the README shows. The deal is reported as won and is not, and what reads a
# list goes through the letters of an error page.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pipedrive-python-lib==1.2.3"
cat >"$folder/deal.py" <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from pipedrive.client import Client
from pipedrive.exceptions import ServiceUnavailableError

answers = [("application/json", b'{"success": false, "error": "unavailable"}'), ("text/html", b"<h1>Unavailable</h1>")]


class Proxy(BaseHTTPRequestHandler):
    """Answers 503: once as the service does, once as a proxy does."""

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        kind, content = answers.pop(0)
        self.send_response(503)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = Client(domain=f"http://127.0.0.1:{server.server_port}/")
client.set_api_token("token")
seen = []
for kind, _ in list(answers):
    try:
        seen.append(client.deals.update_deal(7, {"status": "won"}))
        print(f"503 as {kind}: update_deal() returned {seen[-1]!r}")
    except ServiceUnavailableError as error:
        seen.append("raised")
        print(f"503 as {kind}: {type(error).__name__}")
server.shutdown()
raise SystemExit(0 if seen == ["raised", "<h1>Unavailable</h1>"] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/deal.py"
