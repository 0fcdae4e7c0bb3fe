#!/usr/bin/env bash
# atlassian-python-api 5.0.5 (Confluence Server and Data Center), Python 3.11; run on 2026-11-30.
#
# A page says who has to sign, with links to the documents. One link was wrong, .../d/xK9, and is corrected to .../d/xk9,
# another document of a service whose ids tell capitals from small letters: update_page(page_id, title, body).
# Expected: the page is written. update_page() leaves a page alone whose content is "already updated", to make no version
# for nothing; this one is different.
# What happens: the two texts are made small before they are compared. Nothing is written, the page as it is comes back as
# after any update, and at level INFO the log says that the content is "exactly the same". A title is compared as it is,
# and with one more letter in the body the page is written. always_update=True switches the comparison off.
# Who is hurt: corrections of links, keys, names and abbreviations (us, US; polish, Polish). They are reported as done and
# are not there, and whoever repeats them gets the same answer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "atlassian-python-api==5.0.5"
cat >"$folder/page.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from atlassian import Confluence

wrong = '<p>Ann signs <a href="https://docs.example.org/d/xK9">the order</a></p>'
right = wrong.replace("xK9", "xk9")
page = {"body": wrong, "version": 1}


class Wiki(BaseHTTPRequestHandler):
    """Has one page."""

    def do_GET(self):
        version = {"number": page["version"]}
        stored = {"storage": {"value": page["body"], "representation": "storage"}}
        whole = {"id": "7", "type": "page", "title": "Signing", "version": version, "body": stored}
        content = json.dumps({**whole, "lastUpdated": version}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        page.update(body=sent["body"]["storage"]["value"], version=sent["version"]["number"])
        self.do_GET()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Wiki)
threading.Thread(target=server.serve_forever, daemon=True).start()
confluence = Confluence(url=f"http://127.0.0.1:{server.server_port}", token="token")
written = []
for body in (right, right.replace("order", "orders")):
    answer = confluence.update_page("7", "Signing", body)
    written.append(page["body"] == body)
    print(f"asked to write {body}: version {answer['version']['number']}, the page is {page['body']}")
server.shutdown()
raise SystemExit(0 if written == [False, True] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/page.py"
