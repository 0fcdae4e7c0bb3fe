"""The HTTP side of the ERP."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.sandbox._effects import RefusedError
from countersign.sandbox._faults import Fault, Faults
from countersign.sandbox._page import page, pre, table, tag
from countersign.sandbox._record import Recorded, Recorder
from countersign.sandbox._serve import LOOPBACK, serve
from countersign.sandbox._wire import application, keyed
from countersign.sandbox.erp.store import ErpStore

API_KEY = "erp-sandbox-key"


class ReportInput(BaseModel):
    """Body of `POST /reports`; files are in base64, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: str = Field(pattern=r"^\d{4}-\d{2}$")
    ledger_version: int
    headline: str = Field(min_length=1, max_length=200)
    commentary: str = Field(min_length=1, max_length=20_000)
    files: dict[str, str]


def _fault_body(fault: Fault) -> dict[str, Any]:
    return {"error": {"code": fault.code or "down", "message": "The ERP cannot answer right now."}}


class Erp:
    """An ERP that is running."""

    def __init__(self, store: ErpStore) -> None:
        self._store = store
        self.api_key, self.url = API_KEY, ""
        self.faults, self._recorder = Faults(), Recorder()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, *, db_path: Path | None = None, host: str = LOOPBACK, port: int = 0
    ) -> AsyncIterator[Erp]:
        """Serve until the block ends; without `db_path` everything is kept in memory."""
        store = ErpStore(db_path)
        erp = cls(store)
        app = application(erp.faults, erp._recorder, _fault_body, keyed(erp.api_key))
        app.add_routes(
            [
                web.get("/", erp._page),
                web.get("/periods/{period}/balances", erp._balances),
                web.get("/periods/{period}/lines/{account}", erp._lines),
                web.get("/recipients", erp._recipients),
                web.post("/reports", erp._file),
                web.get("/reports/{id}", erp._report),
                web.get("/reports/{id}/files/{name}", erp._download),
                web.post("/reports/{id}/distribution", erp._mark("distributed")),
                web.post("/reports/{id}/withdrawal", erp._mark("withdrawn")),
            ]
        )
        try:
            async with serve(app, host=host, port=port) as erp.url:
                yield erp
        finally:
            store.close()

    @property
    def requests(self) -> list[Recorded]:
        """What was asked, oldest first, failed attempts included."""
        return self._recorder.matching()

    def effects(self) -> list[dict[str, Any]]:
        """Every report that was filed, distributed or withdrawn, oldest first."""
        return self._store.effects.all()

    def reports(self) -> list[dict[str, Any]]:
        """All reports, oldest first."""
        return self._store.reports()

    def file(self, report_id: int, name: str) -> bytes:
        """A file of a report."""
        return self._store.data(report_id, name)

    def post(self, period: str, account: str, amount_cents: int, text: str) -> None:
        """Somebody posts an entry in the meantime, past the API and its log."""
        self._store.post(period, account, amount_cents, text)

    def ready(self) -> dict[str, Any]:
        """The ready line."""
        return {"url": self.url, "api_key": self.api_key}

    async def _balances(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.balances(request.match_info["period"]))

    async def _lines(self, request: web.Request) -> web.Response:
        period, account = request.match_info["period"], request.match_info["account"]
        return web.json_response({"lines": self._store.lines(period, account)})

    async def _recipients(self, _: web.Request) -> web.Response:
        rows = self._store.rows("SELECT address FROM recipients ORDER BY address")
        return web.json_response({"recipients": [row["address"] for row in rows]})

    async def _report(self, request: web.Request) -> web.Response:
        return web.json_response(self._store.report(_number(request)))

    async def _download(self, request: web.Request) -> web.Response:
        data = self._store.data(_number(request), request.match_info["name"])
        return web.Response(body=data, content_type="application/octet-stream")

    async def _file(self, request: web.Request) -> web.Response:
        try:
            given = ReportInput.model_validate_json(await request.read())
            files = {
                name: base64.b64decode(text, validate=True) for name, text in given.files.items()
            }
        except (ValidationError, binascii.Error) as error:
            raise RefusedError(422, "invalid", f"The body is wrong: {error}") from error
        about = given.model_dump(exclude={"files"}) | {"files": sorted(files)}

        def change() -> dict[str, Any]:
            version, period = given.ledger_version, given.period
            return self._store.file(period, version, given.headline, given.commentary, files)

        return self._write(request, "file_report", about, change)

    def _mark(self, status: str) -> Callable[[web.Request], Any]:
        async def mark(request: web.Request) -> web.Response:
            number, action = _number(request), f"mark_{status}"
            about = {"report_id": number, **await request.json()}
            return self._write(request, action, about, lambda: self._store.mark(number, status))

        return mark

    def _write(
        self,
        request: web.Request,
        action: str,
        about: dict[str, Any],
        change: Callable[[], dict[str, Any]],
    ) -> web.Response:
        key = request.headers.get("Idempotency-Key")
        status, body, replayed = self._store.effects.write(action, about, key, change)
        headers = {"Idempotency-Replayed": "true"} if replayed else {}
        return web.json_response(body, status=status, headers=headers)

    async def _page(self, _: web.Request) -> web.Response:
        reports = [
            (one["id"], one["period"], one["headline"], pre(one["commentary"]), tag(one["status"]))
            for one in reversed(self._store.reports())
        ]
        lines = [
            (row["entry"], row["period"], row["account"], row["amount_cents"] / 100, row["text"])
            for row in self._store.rows("SELECT * FROM journal ORDER BY entry DESC LIMIT 100")
        ]
        return page(
            "ERP",
            "A stand-in: the books, and the reports that were really signed off.",
            [
                table(
                    "Reports",
                    ("No.", "Month", "Headline", "Commentary", "State"),
                    reports,
                    empty="No report was signed off yet.",
                ),
                table(
                    "Journal, the latest first",
                    ("Entry", "Month", "Account", "EUR", "Text"),
                    lines,
                    empty="No entries.",
                ),
            ],
        )


def _number(request: web.Request) -> int:
    text = request.match_info["id"]
    if not text.isdecimal():
        raise RefusedError(404, "not_found", f"There is no report {text}.")
    return int(text)
