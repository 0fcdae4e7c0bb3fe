#!/usr/bin/env bash
# python-redmine 2.5.0, Python 3.11; run on 2026-11-30.
#
# An issue of Redmine is to be closed, and Redmine refuses it (422: a field is needed for that), which raises. The program
# reads the issue again with refresh(), sees that it is "New", as it is, and leaves a note: "Not closed, please look at it."
# Expected: the note is sent. After refresh() the issue is what Redmine has, and what was refused is gone.
# What happens: refresh() renews what one sees, but not the list of what is to be sent. The refused status stays on it and
# goes along with the note, and with every save() until one succeeds: when somebody has filled in the field meanwhile, the
# note that says "not closed" closes the issue.
# Who is hurt: whoever reads a record again after a refusal and goes on with it. What a person has not agreed to a second
# time is done the moment it becomes possible, beside a change that has nothing to do with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "python-redmine==2.5.0"
cat >"$folder/issue.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from redminelib import Redmine
from redminelib.exceptions import ValidationError

issue_there = {"id": 7, "subject": "Refund", "status": {"id": 1, "name": "New"}, "filled_in": False}
sent = []


class Tracker(BaseHTTPRequestHandler):
    """Has one issue, which is closed only when its field is filled in."""

    def do_GET(self):
        self.answer(200, {"issue": issue_there})

    def do_PUT(self):
        change = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["issue"]
        sent.append(change)
        if "status_id" in change and not issue_there["filled_in"]:
            return self.answer(422, {"errors": ["Cost centre cannot be blank"]})
        if "status_id" in change:
            issue_there["status"] = {"id": 5, "name": "Closed"}
        return self.answer(204, None)

    def answer(self, status, body):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Tracker)
threading.Thread(target=server.serve_forever, daemon=True).start()
issue = Redmine(f"http://127.0.0.1:{server.server_port}", key="key").issue.get(7)
issue.status_id = 5
try:
    issue.save()
except ValidationError as refused:
    print(f"refused: {refused}")
issue.refresh()
seen = issue.status.name
print(f"read again: {seen}")
issue_there["filled_in"] = True  # by somebody else
issue.notes = "Not closed, please look at it."
issue.save()
server.shutdown()
print(f"sent with the note: {sent[-1]}; the issue is {issue_there['status']['name']}")
as_described = seen == "New" and sent[-1].get("status_id") == 5 and issue_there["status"]["id"] == 5
raise SystemExit(0 if as_described else 1)
PYTHON
"$folder/venv/bin/python" "$folder/issue.py"
