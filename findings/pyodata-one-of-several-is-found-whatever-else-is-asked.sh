#!/usr/bin/env bash
# pyodata 1.12.1 (SAP's client for OData 2), with odata-query 0.10.0 reading what it asks, Python 3.11; run on 2026-12-01.
#
# A program looks for the released ones among some invoices, to pay them: get_entities().filter(Id__in=["1", "2"], Released=True).
# Expected: both conditions hold for what is found, as for the filters of Django that this way of writing is taken from.
# What happens: Id__in becomes "Id eq '1' or Id eq '2'", and is joined with the rest by "and" without brackets. "and" binds
# more tightly than "or" in OData, so the condition stands for the last value only: invoice 1 is found although it is not
# released. So it is with a filter that is added by a second .filter(). With one value in the list all is well.
# Who is hurt: whoever acts on what is found. Invoices that nobody has released are paid, and the order of the list decides
# which ones.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyodata==1.12.1" "odata-query==0.10.0" "SQLAlchemy==2.0.51" requests
cat >"$folder/invoices.py" <<'PYTHON'
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pyodata
import requests
from odata_query.sqlalchemy import apply_odata_query
from sqlalchemy import Boolean, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

METADATA = b"""<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx"
 xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
<edmx:DataServices m:DataServiceVersion="2.0"><Schema Namespace="ERP" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">
<EntityType Name="Invoice"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.String" Nullable="false"/>
<Property Name="Released" Type="Edm.Boolean" Nullable="false"/></EntityType>
<EntityContainer Name="All" m:IsDefaultEntityContainer="true"><EntitySet Name="Invoices" EntityType="ERP.Invoice"/>
</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"""


class Base(DeclarativeBase):
    """Tables."""


class Invoice(Base):
    """One has been released, one has not."""

    __tablename__ = "invoices"
    Id: Mapped[str] = mapped_column(String, primary_key=True)
    Released: Mapped[bool] = mapped_column(Boolean)


engine = create_engine(f"sqlite:///{__file__}.db")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all([Invoice(Id="1", Released=False), Invoice(Id="2", Released=True)])
    session.commit()
asked = []


class Service(BaseHTTPRequestHandler):
    """Answers a query by the rules of OData."""

    def do_GET(self):
        if "$metadata" in self.path:
            return self.answer(METADATA, "application/xml")
        asked.append(parse_qs(urlsplit(self.path).query)["$filter"][0])
        with Session(engine) as session:
            found = session.scalars(apply_odata_query(select(Invoice), asked[-1])).all()
            rows = [{"Id": one.Id, "Released": one.Released} for one in found]
        self.answer(json.dumps({"d": {"results": rows}}).encode(), "application/json")

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
client = pyodata.Client(f"http://127.0.0.1:{server.server_port}/", requests.Session())


def invoices():
    return client.entity_sets.Invoices.get_entities()


queries = [
    invoices().filter(Id__in=["1", "2"], Released=True),
    invoices().filter(Released=True).filter(Id__in=["2", "1"]),
    invoices().filter(Id__in=["1"], Released=True),
]
seen = []
for query in queries:
    seen.append([(one.Id, one.Released) for one in query.execute()])
    print(f"{asked[-1]}: {seen[-1]}")
server.shutdown()
both = [("1", False), ("2", True)]
raise SystemExit(0 if seen == [both, both, []] else 1)
PYTHON
"$folder/venv/bin/python" "$folder/invoices.py"
