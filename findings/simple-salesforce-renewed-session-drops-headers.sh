#!/usr/bin/env bash
# simple-salesforce 1.12.10, Python 3.11; run on 2026-11-30.
#
# A record is changed only if nobody has changed it since: Opportunity.update(id, fields, headers={"If-Unmodified-Since":
# ...}), which Salesforce answers with 412 if somebody has. The session has expired meanwhile, as it does after some hours,
# so the first answer is 401 INVALID_SESSION_ID.
# Expected: the client signs in again, as it does, and sends the same call.
# What happens: it signs in again and sends the call without the headers it was given. The condition is gone, Salesforce
# changes the record over the other person's change, and update() returns 204 as after any success.
# Who is hurt: whoever relies on If-Unmodified-Since or If-Match (or on Sforce-Duplicate-Rule-Header, Sforce-Auto-Assign
# and the like), in a program that runs longer than a session. It is right in every test, and wrong once after some hours.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "simple-salesforce==1.12.10"
cat >"$folder/update.py" <<'PYTHON'
import io
import json

import requests
from requests.adapters import BaseAdapter
from simple_salesforce import Salesforce

seen = []


class Org(BaseAdapter):
    """Gives out tokens; the first one has expired when it is used."""

    tokens = 0

    def send(self, request, **_):
        answer = requests.Response()
        answer.request, answer.url, answer.status_code = request, request.url, 200
        body = None
        if "/oauth2/token" in request.url:
            Org.tokens += 1
            home = "https://contoso.my.salesforce.com"
            body = {"access_token": f"token-{Org.tokens}", "instance_url": home}
        else:
            condition = request.headers.get("If-Unmodified-Since")
            seen.append(condition)
            if request.headers["Authorization"] == "Bearer token-1":
                answer.status_code = 401
                body = [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]
            else:
                answer.status_code = 412 if condition else 204  # somebody has changed the record
        answer.raw = io.BytesIO(b"" if body is None else json.dumps(body).encode())
        return answer

    def close(self):
        pass


session = requests.Session()
session.mount("https://", Org())
org = Salesforce(consumer_key="key", consumer_secret="secret", domain="contoso.my", session=session)
condition = {"If-Unmodified-Since": "Mon, 30 Nov 2026 17:00:00 GMT"}
status = org.Opportunity.update("006Hs00001Xc2041IA", {"Amount": 1}, headers=condition)
print(f"first try: If-Unmodified-Since {seen[0]}")
print(f"second try: If-Unmodified-Since {seen[1]}; update() returned {status}")
raise SystemExit(0 if seen == [condition["If-Unmodified-Since"], None] and status == 204 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/update.py"
