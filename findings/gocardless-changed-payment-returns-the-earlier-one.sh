#!/usr/bin/env bash
# gocardless_pro 3.22.0, Python 3.11; run on 2026-11-30.
#
# A payment is created under an idempotency key of one's own, such as the number of the request that was approved. The
# amount is corrected, and the payment is created once more under the same key. GoCardless answers as its documentation
# says: 409 with the reason idempotent_creation_conflict and the id of the payment that was made under this key.
# Expected: an exception, as the payment that was asked for does not exist (other services refuse such a call, too).
# What happens: the client fetches the earlier payment and returns it as the result of create(), whatever was asked for.
# No exception, no warning; only its amount differs. raise_on_idempotency_conflict=True of the Client changes that.
# Who is hurt: whoever takes the return of create() for what was paid: 25 pounds are reported, 10 were collected.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "gocardless_pro==3.22.0"
cat >"$folder/pay.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import gocardless_pro


class Bank(BaseHTTPRequestHandler):
    """Makes one payment a key."""

    made = {}

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["payments"]
        key = self.headers["Idempotency-Key"]
        if key not in self.made:
            self.made[key] = {"id": "PM000123", **asked}
            return self.answer(201, {"payments": self.made[key]})
        reason = {
            "reason": "idempotent_creation_conflict",
            "message": "A resource has already been created with this idempotency key",
            "links": {"conflicting_resource_id": self.made[key]["id"]},
        }
        error = {"type": "invalid_state", "code": 409, "errors": [reason], "request_id": "r"}
        error |= {"message": reason["message"], "documentation_url": ""}
        return self.answer(409, {"error": error})

    def do_GET(self):
        self.answer(200, {"payments": next(iter(self.made.values()))})

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Bank)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = gocardless_pro.Client(
    access_token="token", environment="sandbox", base_url=f"http://127.0.0.1:{server.server_port}"
)
got = []
for pence in (1000, 2500):
    payment = client.payments.create(
        params={"amount": pence, "currency": "GBP", "links": {"mandate": "MD000123"}},
        headers={"Idempotency-Key": "REQ-42"},
    )
    got.append(payment.amount)
    print(f"asked for {pence}, create() returned {payment.id} with {payment.amount}")
server.shutdown()
raise SystemExit(0 if got == [1000, 1000] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/pay.py"
