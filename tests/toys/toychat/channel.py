"""What Toy Chat shows: one message for each approver, kept as the request stands."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from countersign.approvals.errors import NoRecipientError, NotFoundError, UnavailableError
from countersign.approvals.forms import told
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.wording import cut_visibly, visible
from countersign.approvals.models import (
    Conversation,
    Delivery,
    JsonObject,
    Notice,
    Placing,
    RequestStatus,
)
from countersign.approvals.ports import Directory, Prompt, RequestView, TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import CheckResult
from countersign.connectors.document import Document, document
from countersign.connectors.ticketing.outcome import decided_words

NAME = "toychat"
TEXT_LIMIT = 8_000
"""Characters that the service takes."""
_PERSON = "person:"


class ToyChannel:
    """`approvals.ports.Channel` over the service's API."""

    name = NAME
    placing = Placing(identity=NAME)

    def __init__(self, http: httpx.AsyncClient, directory: Directory, links: ReadLinks | None):
        self._http, self._directory, self._links = http, directory, links

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Write to the person; the reference is the message's id."""
        message = {"to": self._to(delivery), **self._message(view)}
        return {"message": str((await self._call("POST", "/messages", message))["id"])}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Write their names; what is behind them is in the API."""
        text = visible(told.listed([view.request for view in views]))
        message = {"to": self._to(delivery), "text": text}
        return {"list": str((await self._call("POST", "/messages", message))["id"])}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Write over the message, but over no list."""
        message = (delivery.reference or {}).get("message")
        if message is None:
            return
        await self._call("PUT", f"/messages/{message}", self._message(view))

    def busy_s(self, delivery: Delivery) -> float:
        """The service tells when it is asked."""
        return 0.0

    async def say(self, conversation: Conversation, notice: Notice) -> None:
        """Write a text of its own."""
        message = {"to": conversation.reference["to"], "text": visible(notice.text)}
        await self._call("POST", "/messages", message)

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Write a text to whoever is shown it."""
        words = visible(told.prompt(view.request, escalated=prompt.escalated))
        await self._call("POST", "/messages", {"to": self._to(delivery), "text": words})

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once the request is decided and what came of it is known."""
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """Whether the service knows us."""
        me = await self._call("GET", "/me")
        return [CheckResult(name="account", ok=True, said=f"posts as {me['name']}")]

    def _to(self, delivery: Delivery) -> str:
        """The account of whom it is for. Raises NotFoundError, NoRecipientError."""
        person = self._directory.by_id(delivery.target.removeprefix(_PERSON))
        if person is None:
            raise NotFoundError(f"There is nobody {delivery.target} any more.")
        if NAME not in person.identities:
            raise NoRecipientError(f"{person.name} has no identity {NAME}; add it in `people`.")
        return person.identities[NAME]

    def _message(self, view: RequestView) -> JsonObject:
        request = view.request
        data = {"request": request.id, "digest": request.digest}
        if request.status is not RequestStatus.PENDING:
            return {"text": _over(view), "data": data}
        form = fields(view.arguments_schema, request.arguments)
        return {
            "text": _text(written(view, self._links)),
            "buttons": ["approve", "reject", *(["change"] if form else [])],
            "form": [each.name for each in form],
            "data": data,
        }

    async def _call(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """The service's answer. Raises UnavailableError; NotFoundError."""
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as exc:
            raise UnavailableError(f"Toy Chat cannot be reached: {exc}") from exc
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFoundError(f"Toy Chat does not know {path}.")
        if answer.is_error:
            raise UnavailableError(f"Toy Chat answered {answer.status_code} to {method} {path}.")
        found: JsonObject = answer.json()
        return found


def written(view: RequestView, links: ReadLinks | None) -> Document:
    """The request in words; `complete` says whether all of it is there."""
    order = TicketOrder(key=view.request.id, view=view, approvers=view.eligible)
    return document(order, links, NAME, budget=TEXT_LIMIT // 2)


def _text(said: Document) -> str:
    rows = [f"{row.name}: {row.text}" for row in (*said.arguments, *said.notes, *said.facts)]
    whole = [] if said.complete else [said.read_it]
    return cut_visibly("\n".join([said.title, said.lead, *rows, said.why, *whole]), TEXT_LIMIT)


def _over(view: RequestView) -> str:
    result = view.request.result
    content = "" if result is None else visible(result.content or result.message)
    return cut_visibly(f"{decided_words(view.request)}\n{content}".strip(), TEXT_LIMIT)
