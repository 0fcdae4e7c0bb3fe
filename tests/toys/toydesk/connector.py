"""Tickets in Toy Desk: made, read, answered.

What the service gives us: a ticket carries the key of our order; comments have keys of ours and are
made once for each; a ticket has a history with who did what; everything that changes gets a number.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from countersign.approvals.errors import (
    CountersignError,
    InvalidWebhookError,
    NotFoundError,
)
from countersign.approvals.models import Verdict
from countersign.approvals.ports import KnownTickets, TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    Observation,
    TicketAct,
    TicketOutcome,
    TicketPage,
    TicketRef,
    TicketRefusal,
    TicketVote,
    WebhookHint,
    text_sha256,
)
from countersign.connectors.document import document
from tests.toys.toydesk.api import Api
from tests.toys.toydesk.system import NAME, ToyDeskSettings

WAITING, APPROVED, REJECTED, CLOSED = "waiting", "approved", "rejected", "closed"
VERDICTS = {APPROVED: Verdict.APPROVE, REJECTED: Verdict.REJECT}
AT_THE_END = {
    TicketOutcome.APPROVED: APPROVED,
    TicketOutcome.EXECUTED: APPROVED,
    TicketOutcome.FAILED: APPROVED,
    TicketOutcome.IN_DOUBT: APPROVED,
    TicketOutcome.REJECTED: REJECTED,
}
"""Where a ticket belongs; every other outcome closes it."""
OVERLAP = 100
"""Changes before the cursor that are read again: nobody has to trust that numbers come in order."""


class ToyDeskConnector:
    """`approvals.ports.TicketConnector`."""

    name = NAME
    index_lag_s = 0.0

    def __init__(self, settings: ToyDeskSettings, links: ReadLinks | None):
        self.poll_every_s = settings.poll_every_s
        self.languages: Sequence[str] = settings.languages
        self.changes_words: Sequence[str] = settings.changes_words
        self._own, self._links = settings.account, links
        self._secrets = [secret.get_secret_value() for secret in settings.webhook_secrets]
        self._url = settings.url
        self._api = Api(settings.url, settings.token.get_secret_value())

    # Making tickets

    async def find(self, key: str) -> Sequence[FoundTicket]:
        """The service searches what was written last: nothing is behind."""
        found = await self._api.read("/tickets", order=key)
        return [
            FoundTicket(ref=self._ref(raw, raw["text"]), ours=raw["made_by"] == self._own)
            for raw in found["tickets"]
        ]

    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        """One call: the service takes text and key together."""
        text, whole = self._text(order)
        made = await self._api.write("POST", "/tickets", {"order": order.key, "text": text})
        return self._ref(made, text, whole=whole)

    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        """Write the text again, if it is another."""
        text, whole = self._text(order)
        found = await self._api.read(f"/tickets/{ref.id}")
        if found is not None and found["text"] != text:
            found = await self._api.write("PATCH", f"/tickets/{ref.id}", {"text": text})
        return self._ref(_there(found, ref), text, whole=whole)

    # Reading them

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        """One query gives whole tickets."""
        query = {"open": "1"} if since is None else {"since": str(int(since) - OVERLAP)}
        page = await self._api.read("/tickets", **query)
        shown = {ref.id: ref for ref in await known([raw["id"] for raw in page["tickets"]])}
        observations = [self._observed(raw, shown.get(raw["id"])) for raw in page["tickets"]]
        return TicketPage(observations=tuple(observations), cursor=str(page["number"]))

    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        """The ticket as it is now."""
        found = await self._api.read(f"/tickets/{ref.id}")
        return None if found is None else self._observed(found, ref)

    def decide(self, observation: Observation) -> Sequence[TicketVote | TicketRefusal]:
        """What people set, and what of that cannot be a verdict whoever it was."""
        said = (self._meaning(observation, act) for act in observation.acts)
        return [meaning for meaning in said if meaning is not None]

    # Answering in them

    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        """The service makes a comment once for each key."""
        body = {"text": text, "key": key}
        _there(await self._api.write("POST", f"/tickets/{ref.id}/comments", body), ref)

    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        """Back to where people are asked, unless somebody has answered since."""
        await self.comment(ref, text, key=f"again:{act.id}")
        body = {"state": WAITING, "if_newest": act.id}
        _there(await self._api.write("PATCH", f"/tickets/{ref.id}", body), ref)

    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        """Say how it ended, and bring the ticket there."""
        if text:
            await self.comment(ref, text, key=f"end:{outcome}")
        body = {"state": AT_THE_END.get(outcome, CLOSED), "open": False}
        _there(await self._api.write("PATCH", f"/tickets/{ref.id}", body), ref)

    # The rest

    async def check(self) -> Sequence[CheckResult]:
        """Whether we are who the settings say, and whether webhooks can be believed."""
        signed = "webhooks are checked" if self._secrets else "set webhook_secret_env"
        secret = CheckResult(name="webhook secret", ok=bool(self._secrets), said=signed)
        try:
            me = await self._api.read("/me")
        except CountersignError as exc:
            return [CheckResult(name="account", ok=False, said=str(exc)), secret]
        is_own = me["account"] == self._own
        said = f"is {me['account']}" if is_own else f"set account to {me['account']}"
        return [CheckResult(name="account", ok=is_own, said=said), secret]

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        """HMAC-SHA-256 of the raw body."""
        given = {name.lower(): value for name, value in headers.items()}
        signed = given.get("x-toydesk-signature", "").encode("utf-8", "replace")
        ours = [hmac.new(s.encode(), body, "sha256").hexdigest().encode() for s in self._secrets]
        if not any(hmac.compare_digest(signed, each) for each in ours):
            raise InvalidWebhookError("The toydesk webhook is not signed with our secret.")
        try:
            said = json.loads(body)
            if said["event"] != "changed":
                return None
            return WebhookHint(ticket_id=str(said["ticket"]), delivery_id=str(said["delivery"]))
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidWebhookError("The toydesk webhook is not what the service sends.") from exc

    async def close_client(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    def _text(self, order: TicketOrder) -> tuple[str, bool]:
        said = document(order, self._links, NAME)
        rows = [f"{row.name}: {row.text}" for row in (*said.arguments, *said.notes)]
        before = [f"Before: {row.name}: {row.text}" for row in said.before]
        facts = [f"{row.name}: {row.text}" for row in said.facts]
        more = [] if said.complete else [said.read_it]
        lines = [said.title, said.lead, *rows, *more, *before, said.why, *facts]
        return "\n".join(lines), said.complete

    def _ref(self, raw: Any, text: str, *, whole: bool = False) -> TicketRef:
        return TicketRef(
            id=raw["id"],
            key=raw["key"],
            url=f"{self._url}/show/{raw['key']}",
            shown=text_sha256(text),
            whole=whole,
        )

    def _observed(self, raw: Any, known: TicketRef | None) -> Observation:
        ref = self._ref(raw, raw["text"])
        is_ours = known is None or not known.shown or known.shown == ref.shown
        return Observation(
            ref=ref,
            order_key=raw["order"],
            awaiting=raw["state"] == WAITING,
            state_name=raw["state"],
            acts=tuple(_act(raw, entry) for entry in raw["history"] if entry["state"] != WAITING),
            altered_by=None if is_ours else raw["text_by"],
        )

    def _meaning(self, seen: Observation, act: TicketAct) -> TicketVote | TicketRefusal | None:
        verdict = VERDICTS.get(act.state)
        if verdict is None and act.state != CLOSED:
            return None
        if act.actor is None:
            return TicketRefusal(act=act, reason="The system does not say who did it.")
        if act.actor == self._own:
            return TicketRefusal(act=act, reason="Our own account cannot decide.")
        if seen.altered_by is not None:
            return TicketRefusal(act=act, reason=f"The text was changed by {seen.altered_by}.")
        if verdict is None:
            return TicketRefusal(act=act, reason="It was closed without a decision.")
        return TicketVote(act=act, verdict=verdict)


def _there(found: Any, ref: TicketRef) -> Any:
    if found is None:
        raise NotFoundError(f"There is no ticket {ref.key} any more.")
    return found


def _act(raw: Any, entry: Any) -> TicketAct:
    """What somebody set, with what they wrote from when they were asked until the next asking."""
    asked = [e["number"] for e in raw["history"] if e["state"] == WAITING]
    since = max((n for n in asked if n < entry["number"]), default=0)
    until = min((n for n in asked if n > entry["number"]), default=float("inf"))
    said = [
        comment["text"]
        for comment in raw["comments"]
        if comment["by"] == entry["by"] and since < comment["number"] < until
    ]
    return TicketAct(
        id=entry["id"],
        at=datetime.fromisoformat(entry["at"]),
        actor=entry["by"],
        actor_name=entry["by_name"],
        state=entry["state"],
        comment=said[-1] if said else "",
        earlier=tuple(said[:-1]),
    )
