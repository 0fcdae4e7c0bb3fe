"""The card of free text that a user proxy asks of a person (`human_input_mode`)."""

from __future__ import annotations

from countersign.approvals.forms.wording import cut_visibly
from countersign.approvals.models import JsonObject, Request, RequestStatus
from countersign.approvals.ports import RequestView
from countersign.bot.teams.approval import (
    COMMENT_LIMIT,
    Note,
    Typed,
    refresh_button,
)
from countersign.bot.teams.deciders import details, who_decides
from countersign.bot.teams.elements import (
    banner,
    button,
    card,
    heading,
    label,
    plain,
    sentence,
    words,
)
from countersign.bot.teams.outcome import decided_by
from countersign.bot.teams.parts import NAME_LIMIT, Look, action_data
from countersign.connectors.conversing.said import MESSAGE_ARGUMENT, PROMPT_ARGUMENT, as_said

MESSAGE_LIMIT = 3000


def input_card(
    view: RequestView, look: Look, note: Note | None = None, typed: Typed | None = None
) -> JsonObject:
    """Asks for a reply to the agents, or shows what was replied."""
    request = view.request
    if request.status is not RequestStatus.PENDING:
        return _answered(view, note)
    body = [
        *([banner(f"⚠ {note.text}", note.style)] if note else []),
        heading("Your reply is needed", size="Large"),
        *_asked(request),
        *who_decides(view),
    ]
    spoken = "Your reply is needed in a chat of agents."
    if note and note.final:
        return card(body, [refresh_button(request, look)], spoken=spoken)
    body.append(
        {
            "type": "Input.Text",
            "id": "comment",
            "label": "Your reply",
            "isMultiline": True,
            "maxLength": COMMENT_LIMIT,
            "value": typed.comment if typed else "",
            "separator": True,
        }
    )
    data, flavour = action_data(request), look.flavour
    actions = [
        button(flavour, "reply", "Send", data, style="positive"),
        button(flavour, "go_on", "Go on without comment", data),
    ]
    # Three such titles in one row do not fit on a phone.
    body.append({"type": "ActionSet", "actions": actions})
    end = button(flavour, "end", "End the chat", data, style="destructive")
    return card(body, [end], spoken=spoken)


def _asked(request: Request) -> list[JsonObject]:
    elements: list[JsonObject] = [
        sentence(("bold", cut_visibly(request.executor, NAME_LIMIT)), " waits for a person.")
    ]
    prompt = request.arguments.get(PROMPT_ARGUMENT) or request.rationale
    if prompt:
        elements.append(plain(cut_visibly(as_said(prompt), MESSAGE_LIMIT)))
    message = request.arguments.get(MESSAGE_ARGUMENT)
    if message:
        elements.append(label("The last message in the chat"))
        elements.append(plain(cut_visibly(as_said(message), MESSAGE_LIMIT)))
    return elements


def _answered(view: RequestView, note: Note | None) -> JsonObject:
    request = view.request
    titles = {
        RequestStatus.REJECTED: "✗ Chat ended",
        RequestStatus.EXPIRED: "✗ Expired: nobody replied in time",
        RequestStatus.CANCELLED: "⊘ Cancelled",
    }
    title = titles.get(request.status, "✓ Replied")
    body = [
        *([banner(f"⚠ {note.text}", note.style)] if note else []),
        heading(title, size="Large"),
        *_asked(request),
    ]
    if request.decision is not None:
        body.append(sentence("By ", ("bold", decided_by(request.decision)), "."))
        said = request.decision.comment.strip()
        body += [label("Reply"), plain(said)] if said else [words("Without comment.")]
    body += details(view)
    return card(body, [], spoken=title)
