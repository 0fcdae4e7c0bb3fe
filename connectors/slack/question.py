"""The message of free text that agents ask of a person (`human_input_mode`). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut_visibly, people_in_words, visible
from countersign.approvals.models import JsonObject, Request, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.connectors.conversing.said import MESSAGE_ARGUMENT, PROMPT_ARGUMENT, as_said
from countersign.connectors.slack.markup import (
    button,
    buttons,
    header,
    label,
    parts,
    rows,
    section,
    small,
)

REPLY, GO_ON, END = "reply", "go_on", "end"
MESSAGE_LIMIT, NAME_LIMIT = 2_900, 80
_TITLES = {
    RequestStatus.REJECTED: "✗ Chat ended",
    RequestStatus.EXPIRED: "✗ Expired: nobody replied in time",
    RequestStatus.CANCELLED: "⊘ Cancelled",
}


def title(request: Request) -> str:
    """What it is, or how it has ended."""
    if request.status is RequestStatus.PENDING:
        return "Your reply is needed"
    return _TITLES.get(request.status, "✓ Replied")


def question(view: RequestView, value: str) -> Iterator[JsonObject]:
    """Its blocks; `value` is what its buttons carry."""
    request = view.request
    yield header(title(request))
    yield section(f"{cut_visibly(request.executor, NAME_LIMIT)} waits for a person.")
    prompt = request.arguments.get(PROMPT_ARGUMENT) or request.rationale
    if prompt:
        yield section(cut_visibly(as_said(prompt), MESSAGE_LIMIT))
    if message := request.arguments.get(MESSAGE_ARGUMENT):
        yield label("The last message in the chat")
        yield section(cut_visibly(as_said(message), MESSAGE_LIMIT))
    if request.status is RequestStatus.PENDING:
        yield from rows([("Who answers", people_in_words(view.eligible))])
        yield section(
            "Press Reply, or write your answer below this message; in a channel, mention the app."
        )
        yield buttons(
            button(REPLY, "Reply…", value=value, style="primary"),
            button(GO_ON, "Go on without comment", value=value),
            button(END, "End the chat", value=value, style="danger"),
        )
    elif request.decision is not None:
        by = visible(request.decision.by_name or "the deadline")
        yield section(f"By {by}.")
        said = value_text(request.decision.comment).strip()
        yield label("Reply" if said else "Without comment")
        yield from (section(part) for part in (parts(cut_visibly(said, 6_000)) if said else ()))
    yield small([f"Request: {request.id}"])
