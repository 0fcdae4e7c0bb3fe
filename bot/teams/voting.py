"""A click becomes a vote, and the answer becomes a card that says what is the case."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from structlog.contextvars import bound_contextvars

from countersign.approvals.approvals import Approvals
from countersign.approvals.errors import (
    AlreadyDecidedError,
    CountersignError,
    ExpiredError,
    InvalidArgumentsError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    PreconditionFailedError,
    StaleDigestError,
    UnavailableError,
    UnreadError,
)
from countersign.approvals.forms.fields import fields
from countersign.approvals.forms.parsing import edited_arguments
from countersign.approvals.models import (
    Actor,
    JsonObject,
    RequestKind,
    RequestStatus,
    Verdict,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.read_links import VALID_S, ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.rules.authority import reason_against
from countersign.bot.teams.approval import Note, Typed
from countersign.bot.teams.cards import (
    edit_form,
    notice_card,
    read_card,
    request_card,
    shows_all,
)
from countersign.bot.teams.clicks import (
    INPUT_VERBS,
    TOOL_VERBS,
    VOTES,
    Click,
    TamperedError,
)
from countersign.bot.teams.outcome import decided_by
from countersign.bot.teams.parts import Look
from countersign.connectors.comments.wanted import require_plain

log = structlog.get_logger()

NAME = "teams"
HOW_TO_APPROVE = (
    "To change values, press Edit; to approve exactly what is shown, empty the comment; to turn it "
    "down, press Reject."
)
HOW_TO_CHANGE = "Put every change into the form."


@dataclass(frozen=True)
class Reply:
    """What the one who clicked sees.

    `aside` is the same in one sentence, when the card is not for everybody: it is said instead of
    shown where a card cannot be shown to one person alone.
    """

    card: JsonObject
    aside: str = ""


async def answer(
    approvals: Approvals,
    records: Records,
    click: Click,
    actor: Actor,
    look: Look,
    links: ReadLinks | None = None,
) -> Reply:
    """Do what the click asks for and show how the request stands then.

    `links` lead to the page that shows all of a request, where there is one.

    Raises UnavailableError if that cannot be done now; then nothing has been decided.
    """
    try:
        view = await records.view(click.request_id)
    except NotFoundError:
        text = "This request is not there any more. Nothing was decided."
        return Reply(notice_card("Request not found", text), aside=text)
    with bound_contextvars(session_id=view.session.id, request_id=view.request.id):
        try:
            return await _done(approvals, records, click, actor, look, view, links)
        except UnavailableError:
            raise
        except CountersignError as error:
            if isinstance(error, TamperedError):
                await record_tampering(approvals, error, actor)
            if isinstance(error, UnreadError):
                await approvals.refuse(view.request.id, actor, str(error))
            view = await records.view(click.request_id)
            return _explained(error, click, view, look)


async def record_tampering(approvals: Approvals, error: TamperedError, actor: Actor) -> None:
    """Put an attempt with changed card data on the ledger, if it names a request that exists."""
    log.warning("card data refused", identity=actor.identity, request_id=error.request_id)
    if error.request_id is None:
        return
    try:
        await approvals.refuse(error.request_id, actor, str(error))
    except NotFoundError:
        return


async def _done(
    approvals: Approvals,
    records: Records,
    click: Click,
    actor: Actor,
    look: Look,
    view: RequestView,
    links: ReadLinks | None,
) -> Reply:
    request = view.request
    fitting = INPUT_VERBS if request.kind is RequestKind.INPUT else TOOL_VERBS
    if click.verb not in fitting:
        raise TamperedError("its button does not belong to this request", request.id)
    if click.verb in {"back", "refresh"}:
        return Reply(request_card(view, look, typed=Typed(comment=click.comment)))
    if click.verb == "read":
        return _to_read(actor, look, view, links)
    if request.status is RequestStatus.PENDING and click.digest != request.digest:
        raise StaleDigestError("The request has changed since this card was drawn.")
    if click.verb in _NEEDS_ALL:
        _require_read(actor, look, view)
    if click.verb == "edit":
        return _edit_step(click, actor, look, view)
    if click.verb == "save":
        return await _save(approvals, records, click, actor, look, view)
    if click.verb == "approve":
        require_plain(click.comment, view, actor.principal, HOW_TO_APPROVE)
    await approvals.vote(
        request.id,
        actor,
        verdict=VOTES[click.verb],
        digest=click.digest,
        comment="" if click.verb == "go_on" else click.comment,
    )
    return await _counted(records, click, actor, look)


_NEEDS_ALL = frozenset({"approve", "edit", "save"})


def _require_read(actor: Actor, look: Look, view: RequestView) -> None:
    """Raise UnreadError if the card does not show all of it and this person has not read it."""
    if view.request.status is not RequestStatus.PENDING or view.has_read(actor.principal):
        return
    if reason_against(actor.principal, view.request, view.votes) is None:
        if not shows_all(view, look):
            raise UnreadError(
                "This card does not show all of it. Press “Read all of it”, read the page and "
                "confirm that; then approve here."
            )


def _to_read(actor: Actor, look: Look, view: RequestView, links: ReadLinks | None) -> Reply:
    """A link for this person alone."""
    request, minutes = view.request, int(VALID_S // 60)
    if actor.principal is None:
        raise NotAuthorisedError("You are not known here. Ask an administrator to add you.")
    if links is None:
        raise InvalidError(
            f"There is no page to read it on here; run `countersign requests show {request.id}`."
        )
    url = links.personal(request, actor.principal.id, NAME)
    said = f"Read all of it here, within {minutes} minutes; the link is for you alone:"
    return Reply(read_card(view, look, url, minutes), aside=f"{said} {url}")


def _edit_step(click: Click, actor: Actor, look: Look, view: RequestView) -> Reply:
    if view.request.status is not RequestStatus.PENDING:
        return Reply(request_card(view, look))
    reason = reason_against(actor.principal, view.request, view.votes)
    if reason is not None:
        raise NotAuthorisedError(reason)
    return Reply(edit_form(view, look, typed=Typed(comment=click.comment)))


async def _save(
    approvals: Approvals,
    records: Records,
    click: Click,
    actor: Actor,
    look: Look,
    view: RequestView,
) -> Reply:
    request = view.request
    form = fields(view.arguments_schema, request.arguments)
    if not set(click.typed) <= {each.name for each in form}:
        raise TamperedError("it carries arguments that the form does not have", request.id)
    edited, problems = edited_arguments(form, request.arguments, click.typed)
    typed = Typed(click.typed, click.comment, problems)
    if request.status is RequestStatus.PENDING:
        if problems:
            return Reply(edit_form(view, look, note=_correct(problems), typed=typed))
        if edited == request.arguments:
            unchanged = Note(
                "You changed nothing. Change a value, or go back and approve.", "accent"
            )
            return Reply(edit_form(view, look, note=unchanged, typed=typed))
    try:
        require_plain(click.comment, view, actor.principal, HOW_TO_CHANGE, edited)
        await approvals.vote(
            request.id,
            actor,
            verdict=Verdict.MODIFY,
            digest=click.digest,
            arguments=edited,
            comment=click.comment,
        )
    except InvalidArgumentsError as error:
        typed = Typed(click.typed, click.comment, error.problems)
        return Reply(edit_form(view, look, note=_correct(error.problems), typed=typed))
    except PreconditionFailedError as error:
        note = Note(f"With these values it makes no sense: {error} Nothing was decided.")
        return Reply(edit_form(view, look, note=note, typed=typed))
    except InvalidError as error:
        return Reply(edit_form(view, look, note=Note(str(error)), typed=typed))
    return await _counted(records, click, actor, look)


def _correct(problems: dict[str, str]) -> Note:
    count = f"{len(problems)} values do" if len(problems) > 1 else "One value does"
    return Note(f"{count} not fit. Nothing was decided.")


async def _counted(records: Records, click: Click, actor: Actor, look: Look) -> Reply:
    view = await records.view(click.request_id)
    if view.request.status is not RequestStatus.PENDING:
        return Reply(request_card(view, look))
    if not _has_voted(actor, view):
        text = "Not decided yet: read what the tool says of your values, then approve or reject."
        return Reply(request_card(view, look, note=Note(text, "warning")))
    note = Note("Your vote is counted. More people have to decide.", "accent", final=True)
    return Reply(request_card(view, look, note=note), aside=note.text)


def _has_voted(actor: Actor, view: RequestView) -> bool:
    """Whether a vote of this person counts for what is asked now."""
    mine = actor.principal and actor.principal.id
    revision = view.request.revision
    return any((vote.principal_id, vote.revision) == (mine, revision) for vote in view.votes)


def _too_late(view: RequestView, error: CountersignError) -> str:
    decision = view.request.decision
    if decision is None:
        return str(error)
    at = f"{decision.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"This was decided before you clicked, by {decided_by(decision)}, at {at}."


def _explained(error: CountersignError, click: Click, view: RequestView, look: Look) -> Reply:
    """The request as it stands, with the reason why the click did not do what it asked for."""
    typed = Typed(comment=click.comment)
    match error:
        case AlreadyDecidedError() | ExpiredError():
            note = Note(f"{_too_late(view, error)} Your click changed nothing.", "warning")
            return Reply(request_card(view, look, note=note))
        case NotAuthorisedError():
            note = Note(f"You cannot decide this. {error}", final=True)
            return Reply(request_card(view, look, note=note), aside=note.text)
        case UnreadError():
            note = Note(f"{error} Nothing was decided.")
            return Reply(request_card(view, look, note=note, typed=typed))
        case StaleDigestError():
            text = "This card was out of date. Nothing was decided; this is how it stands now."
            return Reply(request_card(view, look, note=Note(text, "warning"), typed=typed))
        case TamperedError():
            note = Note(str(error), final=True)
            return Reply(request_card(view, look, note=note), aside=note.text)
        case InvalidError():
            return Reply(request_card(view, look, note=Note(str(error)), typed=typed))
    note = Note(f"{error} Nothing was decided.")
    return Reply(request_card(view, look, note=note, typed=typed))
