#!/usr/bin/env bash
# pyodata 1.12.1 (SAP's client for OData 2), Python 3.11; run on 2026-12-01.
#
# An order of an ERP has fields that may be empty: a credit limit, a mark whether it was checked, a cost centre. The answer of
# the service says null for them, and its metadata say Nullable="true".
# Expected: None, as for null in JSON everywhere.
# What happens: a value is made up. A Decimal that is null reads as the text "0.0M", with the suffix that it has in URLs; a
# Boolean as False, a String as "", an Int32 as 0. A Decimal that is there is a text as well, "25080.50". Config(retain_null=True)
# gives None; the default does not.
# Who is hurt: rules and people that decide by these fields. "No limit has been agreed" reads as a limit of nothing, or as an
# error where "0.0M" is made a number; "nobody has checked it" reads as "it was checked, and is not"; and an empty cost centre
# cannot be told from a missing one. Written back with the rest, what was made up becomes true.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyodata==1.12.1" requests
cat >"$folder/order.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pyodata
import requests
from pyodata.v2.model import Config

FIELDS = {"Limit": "Decimal", "Checked": "Boolean", "CostCentre": "String", "Copies": "Int32"}
PROPERTIES = "".join(f'<Property Name="{n}" Type="Edm.{t}" Nullable="true"/>' for n, t in FIELDS.items())
METADATA = f"""<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
 xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<edmx:DataServices m:DataServiceVersion="2.0"><Schema Namespace="ERP" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
<EntityType Name="Order"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.String" Nullable="false"/>
{PROPERTIES}</EntityType><EntityContainer Name="All" m:IsDefaultEntityContainer="true">
<EntitySet Name="Orders" EntityType="ERP.Order"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""


class Service(BaseHTTPRequestHandler):
    """Has one order, with nothing filled in."""

    def do_GET(self):
        if "$metadata" in self.path:
            return self.answer(METADATA.encode(), "application/xml")
        row = {"Id": "1"} | dict.fromkeys(FIELDS)
        self.answer(json.dumps({"d": {"results": [row]}}).encode(), "application/json")

    def answer(self, content, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
seen = []
for config in (None, Config(retain_null=True)):
    client = pyodata.Client(url, requests.Session(), config=config)
    (order,) = client.entity_sets.Orders.get_entities().execute()
    seen.append([getattr(order, name) for name in FIELDS])
    print(f"{'retain_null' if config else 'as it comes'}: {dict(zip(FIELDS, seen[-1], strict=True))}")
server.shutdown()
raise SystemExit(0 if seen == [["0.0M", False, "", 0], [None] * 4] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/order.py"
