#!/usr/bin/env bash
# xero-python 15.2.0 (Xero's own client), Python 3.11; run on 2026-11-30.
#
# An employee is read from the payroll of New Zealand, a surname is changed after an approval, and the employee is sent
# back, as update_employee() wants it. Job title and telephone are not filled in, and come as null.
# Expected: they are None in the model, and are left out of what is sent, as other fields that are None are.
# What happens: a null where the model says text becomes the text "None". It is not empty for any test of it, and it goes
# back: the employee has the job title None and the telephone None, and so has every field of text that was null, within
# the address as well. Dates and amounts that are null are None. A null address raises; a null text does not.
# Who is hurt: whoever reads, changes one field and writes. Every record that is touched is filled with the word, on
# payslips and letters too, and a check such as `if employee.phone_number` says that there is one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "xero-python==15.2.0"
cat >"$folder/employee.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token
from xero_python.payrollnz import PayrollNzApi

stored = {
    "employeeID": "e1",
    "firstName": "Ann",
    "lastName": "Example",
    "jobTitle": None,
    "phoneNumber": None,
    "dateOfBirth": "1990-01-02",
    "endDate": None,
    "address": {"addressLine1": "1 Road", "addressLine2": None, "city": "Hutt", "postCode": "5010"},
}
written = {}


class Payroll(BaseHTTPRequestHandler):
    """Has one employee."""

    def do_GET(self):
        content = json.dumps({"employee": stored}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self):
        written.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.do_GET()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Payroll)
threading.Thread(target=server.serve_forever, daemon=True).start()
token = {"access_token": "token", "token_type": "Bearer", "expires_in": 1800, "expires_at": 9_999_999_999}
token |= {"scope": ["payroll.employees"], "refresh_token": "token"}
client = ApiClient(
    Configuration(oauth2_token=OAuth2Token(client_id="id", client_secret="secret")),
    oauth2_token_getter=lambda: token,
    oauth2_token_saver=lambda changed: None,
)
payroll = PayrollNzApi(client, base_url=f"http://127.0.0.1:{server.server_port}")
employee = payroll.get_employee("tenant", "e1").employee
read = (employee.job_title, employee.phone_number, employee.end_date)
employee.last_name = "Sample"
payroll.update_employee("tenant", "e1", employee)
server.shutdown()
print(f"read: job title {read[0]!r}, telephone {read[1]!r}, end date {read[2]!r}")
print(f"written back: {written}")
texts = (written["jobTitle"], written["phoneNumber"], written["address"]["addressLine2"])
raise SystemExit(0 if read == ("None", "None", None) and texts == ("None",) * 3 and "endDate" not in written else 1)
PYTHON
"$folder/venv/bin/python" "$folder/employee.py"
