#!/usr/bin/env bash
# zenpy 2.0.57, Python 3.11; run on 2026-11-30.
#
# A ticket of Zendesk is read, its status is set, and the change is sent. Zendesk refuses it (422: a field is needed
# before the ticket can be solved), which raises. The program then reads the ticket again, to see what it is now.
# Expected: a request to Zendesk, and "open", which is what Zendesk has.
# What happens: for 30 seconds no request is made. The client keeps the object that was changed in memory as if Zendesk
# had sent it, so reading the ticket again says "solved". (Users, organizations and requests are kept without a limit of
# time.) Unlike most caches it is on unless one asks for disable_cache=True.
# Who is hurt: whoever reads a record back to learn whether an uncertain write took place, or whether it has changed since
# a person looked at it. A refused write is confirmed, and a change that somebody else made is not seen.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "zenpy==2.0.57"
cat >"$folder/read_back.py" <<'PYTHON'
import io
import json

import requests
from requests.adapters import BaseAdapter
from zenpy import Zenpy
from zenpy.lib.exception import APIException

calls = []
REFUSED = {
    "error": "RecordInvalid",
    "description": "Record validation errors",
    "details": {"status": [{"description": "Refund number: is needed to solve", "error": "BlankValue"}]},
}


class Desk(BaseAdapter):
    """Has one open ticket, and refuses to have it solved."""

    ticket = {"id": 7, "subject": "Refund", "status": "open"}

    def send(self, request, **_):
        calls.append(request.method)
        answer = requests.Response()
        answer.request, answer.url = request, request.url
        answer.status_code = 200 if request.method == "GET" else 422
        body = {"ticket": self.ticket} if request.method == "GET" else REFUSED
        answer.headers["Content-Type"] = "application/json"
        answer.raw = io.BytesIO(json.dumps(body).encode())
        return answer

    def close(self):
        pass


session = requests.Session()
session.mount("https://", Desk())
desk = Zenpy(subdomain="contoso", email="agent@contoso.example", token="token", session=session)
ticket = desk.tickets(id=7)
ticket.status = "solved"
try:
    desk.tickets.update(ticket)
    raised = "nothing"
except APIException:
    raised = "APIException"
again = desk.tickets(id=7).status
print(f"update: {raised}; requests: {', '.join(calls)}")
print(f"the ticket read again: {again}; in Zendesk: {Desk.ticket['status']}")
raise SystemExit(0 if (raised, again, calls) == ("APIException", "solved", ["GET", "PUT"]) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/read_back.py"
