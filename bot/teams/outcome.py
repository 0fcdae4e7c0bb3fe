"""The card of a request that is decided: how, by whom, and what came of it."""

from __future__ import annotations

from approvals.models import (
    Decision,
    Finding,
    JsonObject,
    Outcome,
    Request,
    RequestKind,
    RequestStatus,
    Via,
)
from approvals.ports import RequestView
from approvals.wording import VIA_WORDS, cut, in_words
from bot.teams.approval import Note, refresh_button
from bot.teams.arguments import Space, changes_table
from bot.teams.elements import banner, card, heading, label, moment, plain, sentence, words
from bot.teams.parts import (
    Look,
    not_everything,
    position,
    small_print,
    what,
    who_asks,
    why,
)

RESULT_LIMIT = 1200
COMMENT_SHOWN = 1500


def outcome_card(
    view: RequestView, look: Look, space: Space, note: Note | None = None
) -> JsonObject:
    """The closed card. State is a symbol and words; the background only underlines them."""
    request = view.request
    title, style, sense = _state(request)
    if request.status is RequestStatus.APPROVED:
        sense = _when_it_runs(view)
    head = [heading(title, size="Large"), *([words(sense)] if sense else [])]
    body = [
        *([banner(f"⚠ {note.text}", note.style)] if note else []),
        {"type": "Container", "style": style, "items": head},
        who_asks(view),
        *_decided(request),
        *position(view),
        *_changes(request, space, look),
        *_result(request),
        *what_ran(view, space, look),
        *why(request),
        *small_print(view),
    ]
    over = request.status not in {RequestStatus.APPROVED, RequestStatus.EXECUTING}
    actions = [] if over else [refresh_button(request, look)]
    spoken = f"{title}. {in_words(request.tool)}."
    return card(body, actions, spoken=spoken)


def _state(request: Request) -> tuple[str, str, str]:
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
        case RequestStatus.CANCELLED:
            return "⊘ Cancelled", "emphasis", "The session was ended. It did not run."
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
    if any(sibling.status is RequestStatus.PENDING for sibling in view.siblings):
        return "It runs once all that was proposed with it is decided."
    return "It runs now."


def decided_by(decision: Decision) -> str:
    """Who decided and through what, as words."""
    if decision.via is Via.CLOCK:
        return "the deadline"
    if decision.via is Via.POLICY:
        return "policy"
    return f"{decision.by_name}, through {VIA_WORDS[decision.via]}"


def _decided(request: Request) -> list[JsonObject]:
    decision = request.decision
    if decision is None or decision.via is Via.CLOCK:
        return []
    elements = [
        sentence("Decided by ", ("bold", decided_by(decision)), "."),
        words(moment(decision.at), isSubtle=True, spacing="None"),
    ]
    if decision.comment.strip():
        title = "Reason" if request.status is RequestStatus.REJECTED else "Comment"
        elements += [label(title), plain(cut(decision.comment.strip(), COMMENT_SHOWN))]
    return elements


def _changes(request: Request, space: Space, look: Look) -> list[JsonObject]:
    if request.proposed_arguments is None:
        return []
    table = changes_table(request.proposed_arguments, request.arguments, space)
    return [*table.elements, *([] if table.complete else not_everything(request, look))]


def what_ran(view: RequestView, space: Space, look: Look) -> list[JsonObject]:
    """The arguments, titled by whether they ran."""
    elements = what(view, space, look)
    finding = found(view.request)
    did_run = view.request.status in {RequestStatus.EXECUTED, RequestStatus.FAILED} and (
        finding is None or finding.happened
    )
    will_run = view.request.status in {RequestStatus.APPROVED, RequestStatus.EXECUTING}
    title = "What exactly ran" if did_run else "What exactly will run"
    if not did_run and not will_run:
        in_doubt = view.request.status is RequestStatus.IN_DOUBT
        title = "What may have run" if in_doubt else "What was proposed"
    return [label(title), *elements[1:]]


def _result(request: Request) -> list[JsonObject]:
    result = request.result
    if result is None or request.kind is RequestKind.INPUT:
        return []
    said = (result.content or result.message).strip()
    if not said or result.outcome is Outcome.NOT_EXECUTED:
        return []
    if result.finding is not None:
        return _looked(result.finding)
    title = "Error" if result.outcome is Outcome.FAILED else "Result"
    size = f" (the beginning of {len(said):,} characters)" if len(said) > RESULT_LIMIT else ""
    return [label(f"{title}{size}"), plain(cut(said, RESULT_LIMIT), monospace=True)]


def _looked(finding: Finding) -> list[JsonObject]:
    who = f"{finding.by_name}, through {VIA_WORDS[finding.via]}"
    return [
        sentence("Looked into by ", ("bold", who), "."),
        words(moment(finding.at), isSubtle=True, spacing="None"),
        label("What was found"),
        plain(finding.note),
    ]
