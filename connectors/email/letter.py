"""What a mail says of a request, before it becomes text or HTML. Pure.

Everything is bounded, and whatever agents and people control is made visible; the two writers
escape it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from countersign.approvals.forms import told
from countersign.approvals.forms.canaries import is_canary
from countersign.approvals.forms.display import Shown, set_by_workflow, shown_arguments
from countersign.approvals.forms.questions import looked_up, standing
from countersign.approvals.forms.undos import offered_words
from countersign.approvals.forms.values import value_text
from countersign.approvals.forms.wording import cut, cut_visibly, in_words, visible
from countersign.approvals.models import (
    AnsweredBy,
    Principal,
    Question,
    QuestionStatus,
    Request,
    RequestStatus,
    Value,
)
from countersign.approvals.ports import Prompt, RequestView, TicketOrder
from countersign.connectors.document import NAME_LIMIT, Row, document
from countersign.connectors.ticketing.outcome import decided_words

NAME = "email"
VALUE_LIMIT, VALUES_LIMIT, ROWS_LIMIT = 2_000, 12_000, 40
"""Characters of one argument and of all of them; how many arguments a mail shows."""
SUBJECT_LIMIT, TEXT_LIMIT = 140, 1_500
ON_TOP = ("Who decides", "Decide by")
SAFE = (
    "Nothing can be decided in this mail: the link shows the request, and to decide it there you "
    "sign in. It is for you alone."
)
ANSWERS = "Answer this mail with a question to ask the agent, or to comment; it is never a vote."
DEAF = "Answers to this mail are not read."
Tone = Literal["asks", "yes", "no", "plain"]


class Section(Value):
    """A heading and rows below it."""

    heading: str
    rows: tuple[Row, ...] = ()
    facts: tuple[Row, ...] = ()
    """Below the rows; their names are ours."""
    call: bool = False
    """Whether it is one of several calls that wait."""


class Link(Value):
    """Where something can be opened."""

    words: str
    url: str


class Letter(Value):
    """One mail."""

    subject: str
    badge: str
    """One or two words that say what kind of mail it is."""
    tone: Tone
    heading: str
    lead: tuple[str, ...]
    top: tuple[Row, ...] = ()
    """What decides: who, until when."""
    sections: tuple[Section, ...] = ()
    links: tuple[Link, ...] = ()
    small: tuple[str, ...] = ()
    """What stands below everything else."""
    stop: Link | None = None
    """Where this kind of mail is ended."""
    language: str = "en"
    """In which it is written."""


def asks(view: RequestView, url: str, *, hears: bool, changed: bool = False) -> Letter:
    """A request that waits, all of it as far as a mail has room."""
    request = view.request
    said = document(_order(view), None, NAME, budget=VALUES_LIMIT)
    rows, whole = _arguments(request, view)
    facts = [row for row in said.facts if row.name not in ON_TOP]
    sections = [Section(heading="What exactly would run", rows=rows)]
    if said.notes:
        sections.append(Section(heading="What the tool says", rows=said.notes))
    sections.append(Section(heading="Why, in the agent's words", rows=(row_of("", said.why),)))
    if said.before:
        sections.append(Section(heading="What the agent had proposed", rows=said.before))
    sections.append(Section(heading="Details", rows=tuple(facts)))
    who = "an unknown person" if view.requester is None else view.requester.name
    lead = [
        visible(
            f"The agent {request.agent} wants to run {in_words(request.tool)}, on behalf of {who}. "
            "Nothing has run; it runs once, with exactly these values, if it is approved."
        )
    ]
    if changed:
        lead.insert(
            0, "This has changed since the mail before: what you read there counts no more."
        )
    if not whole:
        lead.append("Not everything fits into a mail. The page behind the link shows all of it.")
    return Letter(
        subject=cut(said.title, SUBJECT_LIMIT),
        badge="Changed" if changed else "Waits for you",
        tone="asks",
        heading=said.title,
        lead=tuple(lead),
        top=tuple(row for row in said.facts if row.name in ON_TOP),
        sections=tuple(sections),
        links=(Link(words="Read and decide", url=url),),
        small=(SAFE, ANSWERS if hears else DEAF),
    )


def reminds(view: RequestView, prompt: Prompt, url: str, subject: str) -> Letter:
    """That it still waits; what it is stands in the mail before and behind the link."""
    return Letter(
        subject=f"Re: {subject}",
        badge="Escalated" if prompt.escalated else "Reminder",
        tone="asks",
        heading="Still undecided" if prompt.escalated else "It still waits for you",
        lead=(visible(told.prompt(view.request, escalated=prompt.escalated)),),
        top=(row_of("What for", subject),),
        links=(Link(words="Read and decide", url=url),),
        small=(SAFE,),
    )


def no_vote(view: RequestView, url: str, subject: str) -> Letter:
    """To somebody who has answered what reads like a vote."""
    return Letter(
        subject=f"Re: {subject}",
        badge="Not decided",
        tone="asks",
        heading="Your answer is on record, but it is no vote",
        lead=(
            "Anybody could write a mail in your name, so nothing is decided by one.",
            visible(told.prompt(view.request, escalated=False)),
        ),
        links=(Link(words="Read and decide", url=url),),
        small=(SAFE,),
    )


def answered(question: Question, url: str, subject: str) -> Letter:
    """What was answered to a question of theirs, or that a person is asked now."""
    is_answered = question.status is QuestionStatus.ANSWERED
    rows = [row_of("You asked", cut_visibly(value_text(question.text), TEXT_LIMIT))]
    if is_answered:
        said = cut_visibly(value_text(question.answer), TEXT_LIMIT)
        rows.append(row_of(visible(question.answerer_name), said))
    if looked := looked_up(question):
        rows.append(row_of("Looked up", cut_visibly(visible(looked), TEXT_LIMIT)))
    return Letter(
        subject=f"Re: {subject}",
        badge="Answered" if is_answered else "Asked on",
        tone="asks",
        heading="Your question is answered" if is_answered else "A person is asked now",
        lead=(
            "It is the agent's word, not a fact. The request still waits for you."
            if question.answered_by is AnsweredBy.AGENT and is_answered
            else visible(standing(question)) or "The request still waits for you.",
        ),
        top=(row_of("What for", subject),),
        sections=(Section(heading="Question", rows=tuple(rows)),),
        links=(Link(words="Read and decide", url=url),),
        small=(SAFE,),
    )


def ended(view: RequestView, url: str, subject: str) -> Letter:
    """What was decided, and what came of it."""
    request = view.request
    rows = []
    comment = "" if request.decision is None else request.decision.comment.strip()
    if comment and request.decision is not None and request.decision.by:
        rows.append(row_of("Comment", cut_visibly(value_text(comment), TEXT_LIMIT)))
    result = request.result
    content = "" if result is None else visible(result.content or result.message).strip()
    if content:
        rows.append(row_of("Result", cut_visibly(content, TEXT_LIMIT)))
    badge, tone, heading = ENDS.get(request.status, ("Over", "plain", "It is over"))
    if is_canary(request):
        badge, heading = "Test", "This was a test, and nothing was going to run"
    return Letter(
        subject=f"Re: {subject}",
        badge=badge,
        tone=tone,
        heading=heading,
        lead=(
            visible(decided_words(request)),
            offered_words(view.undoable) or "Nothing is left for you to do here.",
        ),
        top=(row_of("What for", subject),),
        sections=(Section(heading="What came of it", rows=tuple(rows)),) if rows else (),
        links=(Link(words="Read or undo it" if view.undoable else "Read it", url=url),),
    )


ENDS: dict[RequestStatus, tuple[str, Tone, str]] = {
    RequestStatus.APPROVED: ("Approved", "yes", "It is approved, and runs"),
    RequestStatus.EXECUTING: ("Approved", "yes", "It is approved, and runs"),
    RequestStatus.EXECUTED: ("Done", "yes", "It was approved, and ran once"),
    RequestStatus.FAILED: ("Failed", "no", "It was approved, and failed"),
    RequestStatus.IN_DOUBT: ("In doubt", "no", "It is not known whether it ran"),
    RequestStatus.REJECTED: ("Rejected", "no", "It was rejected, and does not run"),
    RequestStatus.EXPIRED: ("Expired", "no", "Nobody decided in time; it does not run"),
    RequestStatus.CANCELLED: ("Cancelled", "plain", "It was cancelled, and does not run"),
}


def lists(views: Sequence[RequestView], urls: Sequence[str]) -> Letter:
    """Several requests of low risk, with a link to each."""
    count = len(views)
    links = tuple(
        Link(words=subject_of([view]), url=url) for view, url in zip(views, urls, strict=True)
    )
    return Letter(
        subject=f"{count} requests of low risk wait for you",
        badge="List",
        tone="asks",
        heading=f"{count} requests of low risk wait for your decision",
        lead=("Each link shows one of them, whole.",),
        links=links,
        small=(SAFE,),
    )


def state_of(request: Request) -> str:
    """What a thread has to have told of it: another state wants another mail."""
    if request.status is RequestStatus.PENDING:
        return f"asked {request.revision} {request.digest}"
    if request.status is RequestStatus.EXECUTING:
        return str(RequestStatus.APPROVED)
    return str(request.status)


def _arguments(request: Request, view: RequestView) -> tuple[tuple[Row, ...], bool]:
    """As many as fit, and whether that is all of them, whole."""
    shown: Sequence[Shown] = (
        *shown_arguments(
            request.arguments,
            view.arguments_schema,
            first=request.show_first,
            defaulted=request.defaulted,
        ),
        *set_by_workflow(request.injected),
    )
    rows: list[Row] = []
    left, whole = VALUES_LIMIT, len(shown) <= ROWS_LIMIT
    for each in shown[:ROWS_LIMIT]:
        text = cut_visibly(each.text, max(min(VALUE_LIMIT, left), 40))
        whole = whole and text == each.text
        left -= len(text)
        rows.append(row_of(each.label, " ".join((text, each.mark)).rstrip()))
        rows += [row_of("", note) for note in each.notes]
    if len(shown) > ROWS_LIMIT:
        rows.append(row_of("", f"… {len(shown) - ROWS_LIMIT:,} more arguments"))
    return tuple(rows) or (row_of("", "It takes no arguments."),), whole


def row_of(name: str, text: str) -> Row:
    """A row whose name is bounded."""
    return Row(name=cut_visibly(visible(name), NAME_LIMIT), text=text)


def _order(view: RequestView) -> TicketOrder:
    return TicketOrder(key=view.request.id, view=view, approvers=view.eligible)


def subject_of(views: Sequence[RequestView]) -> str:
    """What a thread about these is called, from its first mail on."""
    if len(views) == 1:
        return cut(document(_order(views[0]), None, NAME).title, SUBJECT_LIMIT)
    return f"{len(views)} requests of low risk wait for you"


def knows(request: Request, person: Principal) -> bool:
    """Whether they have decided it themselves, and nothing else is known yet."""
    by = None if request.decision is None else request.decision.by
    return by == person.id and state_of(request) == str(RequestStatus.APPROVED)


def mark_of(state: str) -> str:
    """What the id of a mail ends in that tells of this state: the same for the same one."""
    words = state.split()
    return words[0] if len(words) == 1 else f"{words[0]}{words[1]}"
