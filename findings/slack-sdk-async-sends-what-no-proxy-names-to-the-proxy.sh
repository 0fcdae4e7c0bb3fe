#!/usr/bin/env bash
# slack-sdk 3.48.0 (requests 2.34.2 and aiohttp 3.14.5 beside it), Python 3.11; run on 2026-12-01.
#
# A machine goes out by a proxy, as HTTPS_PROXY and HTTP_PROXY say, and NO_PROXY names the hosts that are reached without
# it: here Slack's address is one of them (a gateway of the house, an allowed direct way, a stand-in for tests).
# Expected: who reads the first two variables reads the third, as requests, urllib, curl and httpx do.
# What happens: AsyncWebClient sends to the proxy, with the bot's token; WebClient of the same SDK, and `requests`, in the
# same process, go to the host. Both clients look up HTTPS_PROXY and HTTP_PROXY themselves. The synchronous one hands the
# answer to urllib, which still looks at NO_PROXY; the other one hands it to aiohttp as the caller's own choice, which is
# obeyed. `proxy=""` does not turn it off: an empty text is taken for "not given" and looked up.
# Who is hurt: a service that moves from WebClient to AsyncWebClient (Bolt's async App has it inside) behind a proxy that
# does not let Slack or the gateway through: everything else works, and only approvals do not arrive. Over plain HTTP, as
# to a stand-in or a gateway that ends TLS, token and words pass the proxy.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "slack-sdk==3.48.0" "aiohttp==3.14.5" "requests==2.34.2"
cat >"$folder/work.py" <<'PYTHON'
import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

arrived = []


def serve(name):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            arrived.append((name, "Authorization" in self.headers))
            body = b'{"ok": true, "ts": "1.0"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


proxy, slack = serve("the proxy"), serve("the host itself")
for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
    os.environ[name] = f"http://127.0.0.1:{proxy}"
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = "127.0.0.1,localhost"

import requests  # noqa: E402 - it reads the variables as slack-sdk does
from slack_sdk import WebClient  # noqa: E402
from slack_sdk.web.async_client import AsyncWebClient  # noqa: E402

url = f"http://127.0.0.1:{slack}/api/"
words = {"channel": "C1", "text": "An approval waits."}


async def awaited():
    await AsyncWebClient(token="xoxb-1", base_url=url).chat_postMessage(**words)


def of(work):
    arrived.clear()
    work()
    return list(arrived)


seen = {
    "requests": of(lambda: requests.post(f"{url}chat.postMessage", headers={"Authorization": "x"})),
    "WebClient": of(lambda: WebClient(token="xoxb-1", base_url=url).chat_postMessage(**words)),
    "AsyncWebClient": of(lambda: asyncio.run(awaited())),
}
for client, where in seen.items():
    print(f"{client}: {where}")
wanted = {
    "requests": [("the host itself", True)],
    "WebClient": [("the host itself", True)],
    "AsyncWebClient": [("the proxy", True)],
}
raise SystemExit(0 if seen == wanted else 1)
PYTHON
"$folder/venv/bin/python" "$folder/work.py"
