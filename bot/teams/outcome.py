"""The card of a request that is decided: how, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.forms.canaries import TITLE, is_canary
from countersign.approvals.forms.display import Shown
from countersign.approvals.forms.systems import system_words
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import (
    as_text,
    cut_visibly,
    in_words,
)
from countersign.approvals.models import (
    Cause,
    Decision,
    Finding,
    JsonObject,
    Outcome,
    Request,
    RequestKind,
    RequestStatus,
    Via,
)
from countersign.approvals.ports import RequestView
from countersign.bot.teams.approval import Drawn, Note, comment_input, refresh_button
from countersign.bot.teams.arguments import Space, changes_of
from countersign.bot.teams.deciders import details
from countersign.bot.teams.elements import (
    banner,
    button,
    card,
    heading,
    label,
    moment,
    plain,
    sentence,
    words,
)
from countersign.bot.teams.parts import (
    Look,
    action_data,
    deciding_line,
    not_everything,
    paused,
    position,
    what,
    why,
)
from countersign.bot.teams.undos import undo_button, undo_of, undone
from countersign.connectors.receipts import receipt_url

RESULT_LIMIT = 1200
COMMENT_SHOWN = 1500


def outcome_card(
    view: RequestView,
    look: Look,
    space: Space,
    shown: Sequence[Shown],
    note: Note | None = None,
) -> Drawn:
    """The closed card. State is a symbol and words; the background only underlines them."""
    request = view.request
    title, style, sense = state(request)
    if request.status is RequestStatus.APPROVED:
        sense = _when_it_runs(view)
    title = f"{title}: {in_words(request.tool)}"
    head = [heading(title, size="Large"), *([words(sense)] if sense else [])]
    changed, table = changes_of(view, space), what(view, shown, space)
    complete, back = changed.complete and table.complete, undone(view, space)
    body = [
        *([banner(f"⚠ {note.text}", note.style)] if note else []),
        {"type": "Container", "style": style, "items": head},
        *undo_of(view),
        *deciding_line(view, shown),
        *paused(view),
        *_decided(request),
        *position(view),
        *changed.elements,
        *_result(request),
        *back.elements,
        label(_arguments_title(request)),
        *table.elements,
        *(() if complete else not_everything(view, look)),
        *why(view),
        *details(view),
    ]
    over = request.status not in {RequestStatus.APPROVED, RequestStatus.EXECUTING}
    actions = [] if over else [refresh_button(request, look)]
    if _is_revocable(request):
        body.append(comment_input(None, required_for="to revoke"))
        data = action_data(request)
        actions.insert(0, button(look.flavour, "revoke", "Revoke approval", data))
    if back.complete:
        body.append(comment_input(None, required_for="to undo", hint="It stands on the ledger"))
        actions.insert(0, undo_button(request, look.flavour))
    if url := receipt_url(look.pages_url, request):
        actions.append({"type": "Action.OpenUrl", "title": "Receipt", "url": url})
    return Drawn(card(body, actions, spoken=f"{title}."), complete)


def _is_revocable(request: Request) -> bool:
    """Whether people have approved it and it has not begun."""
    by_person = request.decision is not None and request.decision.via != Via.POLICY
    return request.status is RequestStatus.APPROVED and request.result is None and by_person


def state(request: Request) -> tuple[str, str, str]:
    """The title, the background, and a sentence on what that means."""
    changed = " with changes" if request.modified else ""
    finding = found(request)
    if finding is not None:
        sense = "It was in doubt. A person has looked: it {}."
        if finding.happened:
            return f"✓ Approved{changed}, found done", "good", sense.format("took effect")
        sense = sense.format("did not take effect")
        return f"✗ Approved{changed}, found not done", "attention", sense
    match request.status:
        case RequestStatus.APPROVED:
            return (
                f"✓ Approved{changed}",
                "good",
                "",
            )
        case RequestStatus.EXECUTING:
            return f"✓ Approved{changed}, running", "good", ""
        case RequestStatus.EXECUTED:
            return f"✓ Approved{changed} and done", "good", ""
        case RequestStatus.REJECTED:
            return "✗ Rejected", "attention", "It did not run. The agents were told why."
        case RequestStatus.EXPIRED:
            return "✗ Expired", "warning", "Nobody decided in time. It did not run."
        case RequestStatus.CANCELLED if is_canary(request):
            return f"⊘ {TITLE}", "emphasis", "It was not going to run."
        case RequestStatus.CANCELLED:
            ended = request.result is None or request.result.cause is Cause.CANCELLED
            why_not = "The session was ended. It did not run." if ended else "It did not run."
            return "⊘ Cancelled", "emphasis", why_not
        case RequestStatus.FAILED:
            return f"✗ Approved{changed}, but it failed", "attention", "The agents were told."
        case RequestStatus.IN_DOUBT:
            return (
                "? In doubt",
                "warning",
                "It is not known whether it ran; nothing will be retried. Check the target system.",
            )
    return "Approval needed", "emphasis", ""


def found(request: Request) -> Finding | None:
    """What a person has found out about it, where nobody else could say."""
    return None if request.result is None else request.result.finding


def _when_it_runs(view: RequestView) -> str:
    if view.held:
        return "It has not run: it is paused."
    if view.session.error:
        return f"It has not run: {as_text(view.session.error)}"
    if any(sibling.status is RequestStatus.PENDING for sibling in view.siblings):
        return "It runs once all that was proposed with it is decided."
    return "It runs now."


def decided_by(decision: Decision) -> str:
    """Who decided and through what, as words."""
    if decision.via == Via.CLOCK:
        return "the deadline"
    if decision.via == Via.POLICY:
        return "policy"
    return f"{decision.by_name}, through {system_words(decision.via)}"


def _decided(request: Request) -> list[JsonObject]:
    decision = request.decision
    if decision is None or request.status is RequestStatus.EXPIRED:
        return []
    elements = [
        sentence("Decided by ", ("bold", decided_by(decision)), "."),
        words(moment(decision.at), isSubtle=True, spacing="None"),
    ]
    if decision.comment.strip():
        title = "Reason" if request.status is RequestStatus.REJECTED else "Comment"
        elements += [
            label(title),
            plain(cut_visibly(value_text(decision.comment.strip()), COMMENT_SHOWN)),
        ]
    return elements


def _arguments_title(request: Request) -> str:
    """Whether these arguments ran, will, may have, or were only proposed."""
    finding = found(request)
    did_run = request.status in {RequestStatus.EXECUTED, RequestStatus.FAILED} and (
        finding is None or finding.happened
    )
    if did_run:
        return "What exactly ran"
    if request.status in {RequestStatus.APPROVED, RequestStatus.EXECUTING}:
        return "What exactly will run"
    in_doubt = request.status is RequestStatus.IN_DOUBT
    return "What may have run" if in_doubt else "What was proposed"


def _result(request: Request) -> list[JsonObject]:
    result = request.result
    if result is None or request.kind is RequestKind.INPUT:
        return []
    said = (result.content or result.message).strip()
    if request.status is RequestStatus.CANCELLED and result.cause is not Cause.CANCELLED:
        return [
            label("What it was" if is_canary(request) else "Why"),
            plain(cut_visibly(said, RESULT_LIMIT)),
        ]
    if not said or result.outcome is Outcome.NOT_EXECUTED:
        return []
    if result.finding is not None:
        return _looked(result.finding)
    title = "Error" if result.outcome is Outcome.FAILED else "Result"
    return [label(title), plain(cut_visibly(said, RESULT_LIMIT), monospace=True)]


def _looked(finding: Finding) -> list[JsonObject]:
    who = f"{finding.by_name}, through {system_words(finding.via)}"
    return [
        sentence("Looked into by ", ("bold", who), "."),
        words(moment(finding.at), isSubtle=True, spacing="None"),
        label("What was found"),
        plain(cut_visibly(value_text(finding.note), RESULT_LIMIT)),
    ]
