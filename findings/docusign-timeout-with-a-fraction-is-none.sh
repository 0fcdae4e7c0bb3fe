#!/usr/bin/env bash
# docusign-esign 6.1.0, Python 3.11; run on 2026-11-30.
#
# A program lists envelopes and does not want to wait long: `_request_timeout=0.5`. The server takes three
# seconds to answer, as a busy one does.
# Expected: an error after half a second. The generated documentation says "timeout setting for this request. If
# one number provided, it will be total request timeout".
# What happens: a number that is no int is passed over without a word, and the call has no limit at all: the answer
# comes after three seconds, and with a server that never answers it never returns. A whole number (1), and a pair
# of numbers with fractions ((0.5, 0.5)), work.
# Who is hurt: whoever writes 7.5 or 10.0, or takes the limit from a setting that is a float: threads that were
# meant to give up wait for ever, one after the other, until a pool of them is used up.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "docusign-esign==6.1.0"
cat >"$folder/late.py" <<'PYTHON'
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from docusign_esign import ApiClient, EnvelopesApi

SLOW_S = 3


class Busy(BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(SLOW_S)
        body = b'{"resultSetSize": "0", "envelopes": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # whoever asked has gone

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = ApiClient(host=f"http://127.0.0.1:{server.server_port}/restapi")
client.rest_client.pool_manager.connection_pool_kw["retries"] = False
seen = {}
for limit in (0.5, 1, (0.5, 0.5)):
    began = time.monotonic()
    try:
        EnvelopesApi(client).list_status_changes("1", from_date="2026-11-01", _request_timeout=limit)
        said = "an answer"
    except Exception as error:
        said = type(error).__name__
    seen[limit] = said
    print(f"_request_timeout={limit!r}: {said} after {time.monotonic() - began:.1f} s")
timed_out = "ReadTimeoutError"
raise SystemExit(0 if seen == {0.5: "an answer", 1: timed_out, (0.5, 0.5): timed_out} else 1)
PYTHON
"$folder/venv/bin/python" "$folder/late.py"
