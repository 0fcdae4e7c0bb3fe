"""A ticket system in memory: what connectors do with it, people in it, and failures on demand."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from countersign.approvals.errors import InvalidWebhookError, UnansweredError
from countersign.approvals.models import Principal, Verdict
from countersign.approvals.ports import Clock, KnownTickets, TicketOrder
from countersign.approvals.tickets import (
    CheckResult,
    FoundTicket,
    Observation,
    TicketAct,
    TicketFinding,
    TicketOutcome,
    TicketPage,
    TicketQuestion,
    TicketRef,
    TicketRefusal,
    TicketVote,
    TicketWithdrawal,
    WebhookHint,
    text_sha256,
)
from countersign.connectors.comments.questions import ASK, question_in
from countersign.connectors.comments.withdrawing import WITHDRAW, is_withdrawal
from countersign.connectors.document_of_calls import document_of
from tests.doubles.ticket_desk import OWN, Comment, Desk, Person, State, Ticket

OVERLAP = timedelta(minutes=5)
VERDICTS = {
    State.APPROVED: Verdict.APPROVE,
    State.REJECTED: Verdict.REJECT,
    State.CHANGES: Verdict.MODIFY,
}
_AT_THE_END = {
    TicketOutcome.APPROVED: State.APPROVED,
    TicketOutcome.EXECUTED: State.APPROVED,
    TicketOutcome.FAILED: State.APPROVED,
    TicketOutcome.IN_DOUBT: State.APPROVED,
    TicketOutcome.REJECTED: State.REJECTED,
}
"""Where a ticket belongs; all other outcomes close it."""


class FakeTickets:
    """Implements `approvals.ports.TicketConnector` on a desk of its own.

    `failures` are raised by the next calls, first in, first out, before anything is done; `down`
    by every call while it is set. The next `lose_answers` calls that write do what they should,
    and raise UnansweredError.
    """

    poll_every_s = 30.0
    languages: Sequence[str] = ("en", "de")
    changes_words: Sequence[str] = ()
    several = True

    def __init__(
        self,
        clock: Clock,
        name: str = "jira",
        *,
        index_lag_s: float = 0.0,
        secret: bytes = b"shared secret",
    ):
        self.name, self.index_lag_s = name, index_lag_s
        self.desk = Desk(clock, "OPS" if name == "jira" else "CHG")
        self.failures: deque[Exception] = deque()
        self.down: Exception | None = None
        self.lose_answers = 0
        self.calls: list[str] = []
        """Names of the methods that were called, in order; failed calls too."""
        self.hold: asyncio.Event | None = None
        """While set and not released, a new ticket's answer waits after it has been made."""
        self.appeared = asyncio.Event()
        """Set once a ticket has been made."""
        self.closed = False
        self.whole = True
        """Whether its tickets show the whole call."""
        self._secret = secret
        self._delivery_ids = itertools.count(1)

    def as_person(self, who: Principal | str | None) -> Person:
        """Somebody at work in the system; None for one whom it does not name."""
        account = who.identities[self.name] if isinstance(who, Principal) else who
        return Person(self.desk, account)

    def ref(self, ticket: Ticket | str) -> TicketRef:
        """How the connector calls a ticket."""
        found = self.desk.get(ticket) if isinstance(ticket, str) else ticket
        url = f"https://{self.name}.example/browse/{found.key}"
        shown = text_sha256(found.text) if found.altered_by is None else ""
        return TicketRef(id=found.id, key=found.key, url=url, shown=shown, whole=self.whole)

    def comments(self, ref: TicketRef) -> list[str]:
        """What anybody said in a ticket, oldest first."""
        return [comment.text for comment in self.desk.get(ref).comments]

    def open_tickets(self) -> list[str]:
        """Keys of our tickets that are marked as open, the first made first."""
        ours = (t for t in self.desk.tickets.values() if t.open and t.made_by == OWN)
        return [ticket.key for ticket in ours]

    def webhook(self, ref: TicketRef, event: str = "updated") -> tuple[dict[str, str], bytes]:
        """Headers and body of a delivery about a ticket, as the system signs it."""
        body = json.dumps({"event": event, "ticket": ref.id}).encode()
        delivery_id = f"delivery-{next(self._delivery_ids)}"
        return {"X-Signature": self._signature(body), "X-Delivery": delivery_id}, body

    async def check(self) -> Sequence[CheckResult]:
        """Whether the next call would fail."""
        self.calls.append("check")
        problem = self.down or (self.failures.popleft() if self.failures else None)
        said = "answers" if problem is None else str(problem)
        secret = CheckResult(name="webhook secret", ok=bool(self._secret), said="looked at")
        return [CheckResult(name="reachable", ok=problem is None, said=said), secret]

    async def find(self, key: str) -> Sequence[FoundTicket]:
        """What the index knows of an order."""
        await self._call("find")
        found = (t for t in self.desk.searched() if t.order_key == key)
        return [FoundTicket(ref=self.ref(t), ours=t.made_by == OWN) for t in found]

    async def open_ticket(self, order: TicketOrder) -> TicketRef:
        """Make a ticket, whether there is one or not."""
        await self._call("open_ticket")
        ticket = self.desk.make(order.key, _text(order))
        self.appeared.set()
        if self.hold is not None:
            await self.hold.wait()
        self._answer()
        return self.ref(ticket)

    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        """Write the text again, if it is another."""
        await self._call("adopt")
        ticket, text = self.desk.get(ref), _text(order)
        if (ticket.text, ticket.altered_by) != (text, None):
            ticket.text, ticket.altered_by = text, None
            self.desk.changed(ticket)
        self._answer()
        return self.ref(ticket)

    async def fetch_decisions(self, since: str | None, known: KnownTickets) -> TicketPage:
        """What the index knows of open tickets, or of all that changed since the cursor."""
        await self._call("fetch_decisions")
        if since is None:
            found = [t for t in self.desk.searched() if t.open]
        else:
            start = datetime.fromisoformat(since) - OVERLAP
            found = [t for t in self.desk.searched() if t.changed_at >= start]
        observations = tuple(self._observation(ticket) for ticket in found)
        return TicketPage(observations=observations, cursor=self.desk.now().isoformat())

    async def fetch_one(self, ref: TicketRef) -> Observation | None:
        """The ticket as it is now."""
        await self._call("fetch_one")
        ticket = self.desk.tickets.get(ref.id)
        return None if ticket is None else self._observation(ticket)

    async def comment(self, ref: TicketRef, text: str, *, key: str) -> None:
        """Say something, once for each key."""
        await self._call("comment")
        self._say(self.desk.get(ref), text, key)
        self._answer()

    async def ask_again(self, ref: TicketRef, act: TicketAct, text: str, *, counted: bool) -> None:
        """Say why, and bring the ticket back to where people are asked, once for each act."""
        await self._call("ask_again")
        ticket = self.desk.get(ref)
        if self._say(ticket, text, f"again:{act.id}"):
            self.desk.move(ticket, State.PENDING, by=OWN)
        self._answer()

    async def close(self, ref: TicketRef, outcome: TicketOutcome, text: str) -> None:
        """Say how it ended, once for each outcome, and bring the ticket there."""
        await self._call("close")
        ticket = self.desk.get(ref)
        ticket.open = False
        if text:
            self._say(ticket, text, f"close:{outcome}")
        self.desk.move(ticket, _AT_THE_END.get(outcome, State.CLOSED), by=OWN)
        self.desk.changed(ticket)
        self._answer()

    def verify_webhook(self, headers: Mapping[str, str], body: bytes) -> WebhookHint | None:
        """The ticket of a signed delivery."""
        given = {name.lower(): value for name, value in headers.items()}
        right = hmac.compare_digest(given.get("x-signature", ""), self._signature(body))
        if not self._secret or not right:
            raise InvalidWebhookError(f"The {self.name} webhook is not signed with our secret.")
        said = json.loads(body)
        if said["event"] != "updated":
            return None
        return WebhookHint(ticket_id=said["ticket"], delivery_id=given["x-delivery"])

    def decide(self, observation: Observation) -> Sequence[TicketFinding]:
        """What the states mean that people have set."""
        said = (self._meaning(observation, act) for act in observation.acts)
        return [meaning for meaning in said if meaning is not None]

    async def close_client(self) -> None:
        """Remember that it was called."""
        self.closed = True

    def _meaning(self, seen: Observation, act: TicketAct) -> TicketFinding | None:
        if act.state == WITHDRAW:
            return TicketWithdrawal(act=act)
        if act.state == ASK:
            return TicketQuestion(act=act, text=question_in(act.comment))
        verdict = VERDICTS.get(State(act.state))
        if verdict is None and act.state != State.CLOSED:
            return None
        if act.actor is None:
            return TicketRefusal(act=act, reason="The system does not say who did it.")
        if act.actor == OWN:
            return TicketRefusal(act=act, reason="Our own account cannot decide.")
        if seen.altered_by is not None:
            reason = f"The text was changed by {seen.altered_by}."
            return TicketRefusal(act=act, reason=reason)
        if verdict is None:
            return TicketRefusal(act=act, reason="It was closed without a decision.")
        return TicketVote(act=act, verdict=verdict)

    def _observation(self, ticket: Ticket) -> Observation:
        author, changes = ticket.changes
        acts = (
            act.model_copy(
                update={
                    "comment": ticket.said_by(act.actor),
                    "changes": changes if act.actor == author else "",
                }
            )
            for act in ticket.acts
        )
        asked = (
            TicketAct(
                id=f"{state}:{c.at.isoformat()}", at=c.at, actor=c.by, state=state, comment=c.text
            )
            for c in ticket.comments
            for state, means in ((ASK, question_in), (WITHDRAW, is_withdrawal))
            if means(c.text) and c.by != OWN
        )
        return Observation(
            ref=self.ref(ticket),
            order_key=ticket.order_key,
            awaiting=ticket.state is State.PENDING,
            state_name=ticket.state,
            acts=(*acts, *asked),
            altered_by=ticket.altered_by,
        )

    def _say(self, ticket: Ticket, text: str, key: str) -> bool:
        """Say it unless it has been said; whether it was new."""
        if key in ticket.told:
            return False
        ticket.told.add(key)
        ticket.comments.append(Comment(self.desk.now(), OWN, text))
        self.desk.changed(ticket)
        return True

    def _signature(self, body: bytes) -> str:
        return hmac.new(self._secret, body, hashlib.sha256).hexdigest()

    async def _call(self, method: str) -> None:
        self.calls.append(method)
        await asyncio.sleep(0)
        if self.down is not None:
            raise self.down
        if self.failures:
            raise self.failures.popleft()

    def _answer(self) -> None:
        if self.lose_answers:
            self.lose_answers -= 1
            raise UnansweredError(f"{self.name} did not answer.")


def _text(order: TicketOrder) -> str:
    said = document_of(order, None, "jira")
    rows = [f"{row.name}: {row.text}" for row in (*said.arguments, *said.facts)]
    for part in said.parts:
        rows += [part.title, *(f"{row.name}: {row.text}" for row in (*part.arguments, *part.facts))]
    return "\n".join((said.title, said.lead, *rows, said.why))
