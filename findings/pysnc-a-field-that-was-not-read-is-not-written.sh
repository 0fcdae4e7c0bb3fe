#!/usr/bin/env bash
# pysnc 1.2.1 (ServiceNow's own client), Python 3.11; run on 2026-11-30.
#
# A change request is read with the fields that one needs, as is advised for speed: `record.fields = "number"`. Then its
# approval is set and update() is called, as in a script inside ServiceNow.
# Expected: the approval is sent, whichever fields were read before, or an error says that it was not read.
# What happens: only fields that are marked as changed are sent, and a field that was not read is new rather than changed.
# The client sends a PATCH with an empty object, ServiceNow answers 200 to it, and update() returns the sys_id as after
# any success. The same field is written if all fields were read.
# Who is hurt: whoever writes approvals, states or work notes through records that were read narrowly. Nothing is written,
# nothing is raised, and the record in memory shows what ServiceNow has only after the update.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pysnc==1.2.1"
cat >"$folder/update.py" <<'PYTHON'
import io
import json
from urllib.parse import parse_qs, urlsplit

import requests
from pysnc import ServiceNowClient
from requests.adapters import BaseAdapter


class Instance(BaseAdapter):
    """One change; it gives the fields that it is asked for, and takes over what it is sent."""

    def __init__(self):
        super().__init__()
        self.change = {"sys_id": "a" * 32, "number": "CHG0030001", "approval": "requested"}
        self.sent = None

    def send(self, request, **_):
        wanted = list(self.change)
        if request.method == "PATCH":
            self.sent = json.loads(request.body)
            self.change.update(self.sent)
        else:
            names = parse_qs(urlsplit(request.url).query).get("sysparm_fields", [""])[0]
            wanted = [name for name in names.split(",") if name] or wanted
        answer = requests.Response()
        answer.request, answer.url, answer.status_code = request, request.url, 200
        result = {name: {"value": self.change[name], "display_value": self.change[name]} for name in wanted}
        answer.headers["Content-Type"] = "application/json"
        answer.raw = io.BytesIO(json.dumps({"result": result}).encode())
        return answer

    def close(self):
        pass


def approve(fields):
    instance, session = Instance(), requests.Session()
    session.auth = ("integration", "password")
    client = ServiceNowClient("https://contoso.service-now.com", session)
    client.session.mount("https://contoso.service-now.com", instance)  # over its own adapter
    record = client.GlideRecord("change_request")
    if fields:
        record.fields = fields
    record.get("a" * 32)
    record.approval = "approved"
    done = str(record.update())
    return done, instance.sent, instance.change["approval"]


narrow, wide = approve("number"), approve(None)
for name, (done, sent, approval) in (("number read", narrow), ("all read", wide)):
    print(f"{name}: update() returned {done[:4]}…, sent {sent}, in ServiceNow: {approval}")
raise SystemExit(
    0
    if narrow == ("a" * 32, {}, "requested") and wide == ("a" * 32, {"approval": "approved"}, "approved")
    else 1
)
PYTHON
"$folder/venv/bin/python" "$folder/update.py"
