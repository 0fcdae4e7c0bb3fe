"""A click becomes a vote, and the answer becomes a card that says what is the case."""

from __future__ import annotations

import structlog
from structlog.contextvars import bound_contextvars

from countersign.approvals.approvals import Approvals
from countersign.approvals.decisions.editing import Edit
from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotAuthorisedError,
    NotFoundError,
    StaleDigestError,
    UnavailableError,
    UnreadError,
)
from countersign.approvals.forms.fields import Field, fields
from countersign.approvals.forms.parsing import edited_arguments
from countersign.approvals.models import Actor, RequestKind, RequestStatus, Terms
from countersign.approvals.ports import RequestView
from countersign.approvals.read_links import VALID_S, ReadLinks
from countersign.approvals.records import Records
from countersign.approvals.rules.delegation import reason_in_view
from countersign.bot.teams.approval import Note, Typed
from countersign.bot.teams.cards import (
    edit_form,
    form_left,
    notice_card,
    read_card,
    request_card,
    review_form,
    shows_all,
)
from countersign.bot.teams.clicks import (
    EVERYTHING,
    INPUT_VERBS,
    TOOL_VERBS,
    VOTES,
    Click,
    TamperedError,
)
from countersign.bot.teams.deciding_together import decide_all
from countersign.bot.teams.parts import Look
from countersign.bot.teams.vote_replies import Reply, after_vote, corrected, nothing_decided
from countersign.connectors.receiving import (
    Filled,
    VoteAttempt,
    VoteResult,
    all_of_it,
    not_counted,
    receive,
    require_read,
)

log = structlog.get_logger()

NAME = "teams"
HOW_TO_APPROVE = (
    "To change values, press Edit; to approve exactly what is shown, empty the comment; to turn it "
    "down, press Reject."
)
HOW_TO_CHANGE = "Put every change into the form."
UNREAD = (
    "This card does not show all of it. Press “Read all of it”, read the page and confirm that; "
    "then approve here."
)


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
            outcome = not_counted(error)
            if outcome is None:
                return nothing_decided(str(error), click, view, look)
            return after_vote(outcome, click, view, look)


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
    if click.verb == "refresh":
        return Reply(request_card(view, look, typed=Typed(comment=click.comment)))
    if click.verb == "back":
        return _left(click, view, look)
    if click.verb == "read":
        return _to_read(actor, look, view, links)
    if click.verb == "withdraw":
        return await _withdrawn(approvals, records, click, actor, look)
    if click.verb == "revoke":
        return await _revoked(approvals, records, click, actor, look)
    if click.verb == "undo":
        await approvals.undo(click.request_id, actor, reason=click.comment)
        return Reply(request_card(await records.view(click.request_id), look))
    if click.verb in {"ask", "answer"}:
        return await _asked(approvals, records, click, actor, look)
    if request.status is RequestStatus.PENDING and click.digest != request.digest:
        raise StaleDigestError("The request has changed since this card was drawn.")
    if click.verb in EVERYTHING:
        left = await decide_all(approvals, click, actor, look, view, UNREAD)
        return Reply(request_card(await records.view(click.request_id), look), aside=left)
    if click.verb in {"edit", "save", "confirm"}:
        _require_own_form(click, view)
    if click.verb == "edit":
        return _edit_step(click, actor, look, view)
    if click.verb == "save" and (edit := await _foreseen(approvals, click, actor, look, view)):
        typed = Typed(click.typed, click.comment)
        return Reply(review_form(view, look, edit, typed), aside=edit.others)
    outcome = await receive(approvals, records, _attempt(click, actor, look, view), view)
    if click.verb in _EDITS and outcome.result in _ASKS_AGAIN:
        return corrected(outcome, click, view, look)
    view = await records.view(click.request_id)
    return after_vote(outcome, click, view, look)


_EDITS = frozenset({"save", "confirm"})
_NEEDS_ALL = frozenset({"approve", *_EDITS})


async def _foreseen(
    approvals: Approvals, click: Click, actor: Actor, look: Look, view: RequestView
) -> Edit | None:
    """The edit, if others have to decide it as well; None also where it will not count at all."""
    request, form = view.request, _require_own_form(click, view)
    arguments, problems = edited_arguments(form, request.arguments, click.typed)
    unread = not shows_all(view, look) and not view.has_read(actor.principal)
    if problems or unread or request.status is not RequestStatus.PENDING:
        return None
    try:
        edit = await approvals.foresee(request.id, actor, digest=click.digest, arguments=arguments)
    except UnavailableError:
        raise
    except CountersignError:  # the vote is refused for that, and says so
        return None
    return edit if edit.others else None


def _attempt(click: Click, actor: Actor, look: Look, view: RequestView) -> VoteAttempt:
    is_edit, judged = click.verb in _EDITS, click.verb in _NEEDS_ALL
    return VoteAttempt(
        request_id=view.request.id,
        actor=actor,
        verdict=VOTES[click.verb],
        digest=click.digest,
        arguments=Filled(click.typed) if is_edit else None,
        comment="" if click.verb == "go_on" else click.comment,
        unread=(lambda view: "" if shows_all(view, look) else UNREAD) if judged else all_of_it,
        foreseen=click.foreseen,
        instead=HOW_TO_CHANGE if is_edit else HOW_TO_APPROVE,
        grant=_terms(click, view) if click.verb == "approve" else None,
    )


def _terms(click: Click, view: RequestView) -> Terms | None:
    """What was chosen beside Approve, if anything. Raises TamperedError for what is not offered."""
    if not click.grant:
        return None
    found = next((offer.terms for offer in view.offers if offer.key == click.grant), None)
    if found is None:
        raise TamperedError("its grant is none that the card offers", click.request_id)
    return found


async def _withdrawn(
    approvals: Approvals, records: Records, click: Click, actor: Actor, look: Look
) -> Reply:
    await approvals.withdraw(click.request_id, actor)
    note = Note("Your vote is taken back. You can vote again.", "accent")
    view = await records.view(click.request_id)
    return Reply(request_card(view, look, note=note), aside=note.text)


async def _asked(
    approvals: Approvals, records: Records, click: Click, actor: Actor, look: Look
) -> Reply:
    if click.verb == "ask":
        await approvals.questions.ask(click.request_id, actor, click.question)
        text = "Your question is asked. The answer will stand on this card; nothing is decided yet."
    else:
        await approvals.questions.answer(click.about, actor, click.question)
        text = "Your answer stands on this card now."
    view = await records.view(click.request_id)
    note, typed = Note(text, "accent"), Typed(comment=click.comment)
    return Reply(request_card(view, look, note=note, typed=typed), aside=text)


async def _revoked(
    approvals: Approvals, records: Records, click: Click, actor: Actor, look: Look
) -> Reply:
    await approvals.revoke(click.request_id, actor, reason=click.comment)
    return Reply(request_card(await records.view(click.request_id), look))


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
    require_read(view, actor.principal, lambda view: "" if shows_all(view, look) else UNREAD)
    if view.request.status is not RequestStatus.PENDING:
        return Reply(request_card(view, look))
    reason = reason_in_view(view, actor.principal)
    if reason is not None:
        raise NotAuthorisedError(reason)
    return Reply(edit_form(view, look, typed=Typed(click.typed, click.comment)))


def _left(click: Click, view: RequestView, look: Look) -> Reply:
    """The card of the request again; it keeps what was changed in the form of this revision."""
    if view.request.status is not RequestStatus.PENDING or click.digest != view.request.digest:
        return Reply(request_card(view, look, typed=Typed(comment=click.comment)))
    form, stored = _require_own_form(click, view), view.request.arguments
    edited, problems = edited_arguments(form, stored, click.typed)
    changed = {
        name: value
        for name, value in click.typed.items()
        if name in problems or edited.get(name) != stored.get(name)
    }
    return Reply(form_left(view, look, Typed(changed, click.comment)))


def _require_own_form(click: Click, view: RequestView) -> tuple[Field, ...]:
    form = fields(view.arguments_schema, view.request.arguments)
    if not set(click.typed) <= {each.name for each in form}:
        raise TamperedError("it carries arguments that the form does not have", view.request.id)
    return form


_ASKS_AGAIN = frozenset({VoteResult.INVALID, VoteResult.UNCHANGED})
