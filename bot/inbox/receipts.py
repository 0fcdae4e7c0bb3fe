"""The receipt of a request: what it proves in words, the file, and with what to check it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from countersign.approvals.audit.notes import Checkpoint, opened_unchecked
from countersign.approvals.forms.changers import changes_in
from countersign.approvals.forms.display import Shown, shown_arguments
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import JsonObject, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.approvals.store.receipts import NotSealedError
from countersign.bot.api.operation import Services
from countersign.bot.inbox import guard
from countersign.bot.inbox.pages import Pages
from countersign.bot.inbox.requests import RequestPage
from countersign.bot.inbox.shell import HOME, Visit
from countersign.connectors.system import Route

PATH = f"{HOME}/requests/{{id}}/receipt"
VERIFIER = "verify_receipt.html"
VERIFIER_PATH = f"{HOME}/{VERIFIER}"
_OFFLINE = Path(__file__).parent / "offline"


@dataclass(frozen=True)
class Vote:
    """One vote, as the receipt has it."""

    name: str
    verdict: str
    identity: str
    via: str
    at: datetime


@dataclass(frozen=True)
class Told:
    """What a receipt says, to be read."""

    arguments: Sequence[Shown]
    changers: str
    """Who has changed what the agent proposed."""
    votes: Sequence[Vote]
    rule: str
    policy: str
    digest: str
    places: Sequence[str]
    """Where it was shown."""
    withheld: int
    """Entries that are there by their hash alone."""
    entries: int
    origin: str
    """Whose ledger."""
    size: int
    """Of the tree that is signed."""
    keys: Sequence[str]
    """That have signed, the newest first."""


class ReceiptPages:
    """The page, the file and the verifier."""

    def __init__(self, pages: Pages, services: Services, page: RequestPage):
        self._pages, self._page = pages, page
        self._trail, self._records = services.trail, services.records

    def routes(self) -> Sequence[Route]:
        """Their addresses."""
        look = self._pages.look
        return [
            Route("GET", PATH, look(self.show)),
            Route("GET", f"{PATH}.json", look(self.file)),
            Route("GET", VERIFIER_PATH, look(self.verifier)),
        ]

    async def show(self, visit: Visit) -> web.StreamResponse:
        """The page; or why there is no receipt yet."""
        view = await self._page.view(visit)
        error, told = "", None
        try:
            made = await self._trail.receipt(view.request.id, visit.reader)
            told = _told(made, view, await self._trail.keys())
        except NotSealedError as exc:
            error = str(exc)
        return self._pages.shell.page(
            visit,
            "receipt.html",
            view=view,
            request=view.request,
            told=told,
            error=error,
            file=_file(view),
            is_over=view.request.status not in (RequestStatus.PENDING, RequestStatus.APPROVED),
            verifier=VERIFIER_PATH,
        )

    async def file(self, visit: Visit) -> web.StreamResponse:
        """The receipt itself."""
        view = await self._page.view(visit)
        made = await self._trail.receipt(view.request.id, visit.reader)
        text = json.dumps(made, ensure_ascii=False, indent=2) + "\n"
        return attachment(text, "application/json", _file(view))

    async def verifier(self, visit: Visit) -> web.StreamResponse:
        """The page that checks a receipt on somebody's own disk. It has scripts in it, so it is
        never opened here."""
        text = (_OFFLINE / VERIFIER).read_text("utf-8")
        return attachment(text, "text/html", VERIFIER)


def attachment(text: str, kind: str, name: str) -> web.Response:
    """A file to be kept."""
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(text=text, content_type=kind, headers={**guard.HEADERS, **named})


def _file(view: RequestView) -> str:
    return f"receipt-{view.request.id}.json"


def _told(made: JsonObject, view: RequestView, keys: Sequence[str]) -> Told:
    summary = made["summary"]
    checkpoint = Checkpoint.parse(opened_unchecked(made["checkpoint"]))
    arguments = summary["authorization_details"][0]["arguments"]
    places = dict.fromkeys(str(each.get("channel", "")) for each in summary["shown"])
    return Told(
        arguments=shown_arguments(arguments, view.arguments_schema, first=view.request.show_first),
        changers=", ".join(dict.fromkeys(map(_changer, changes_in(summary["history"])))),
        votes=[_vote(each) for each in summary["votes"]],
        rule=str(summary["rule"]["id"]),
        policy=str(summary["policy_version"]),
        digest=str(summary["digest"]),
        places=[system_words(each) for each in places if each],
        withheld=len(summary["withheld"]),
        entries=len(made["entries"]),
        origin=checkpoint.origin,
        size=checkpoint.size,
        keys=list(reversed(keys)),
    )


def _changer(said: JsonObject) -> str:
    return visible(str(said.get("name") or said["by"]))


def _vote(said: JsonObject) -> Vote:
    return Vote(
        name=str(said.get("name") or said.get("by") or ""),
        verdict=str(said["verdict"]),
        identity=str(said.get("identity") or ""),
        via=system_words(str(said.get("via") or "")),
        at=datetime.fromisoformat(str(said["entry_at"])),
    )
