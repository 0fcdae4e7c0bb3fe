"""What a mail says of several calls that were proposed together. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from countersign.approvals.forms.display import shown_arguments
from countersign.approvals.forms.together import (
    CLASSES,
    branch_of,
    failed_branches,
    totals,
    waiting,
)
from countersign.approvals.forms.undos import offered_words
from countersign.approvals.forms.wording import cut, cut_visibly, in_words, visible
from countersign.approvals.models import Request, RequestStatus
from countersign.approvals.ports import RequestView, TicketOrder
from countersign.approvals.ports.channels import offered
from countersign.connectors.document import Document, Part, Row
from countersign.connectors.document_of_calls import document_of
from countersign.connectors.email.letter import (
    ANSWERS,
    DEAF,
    ENDS,
    NAME,
    ON_TOP,
    SAFE,
    SUBJECT_LIMIT,
    VALUES_LIMIT,
    Letter,
    Link,
    Section,
    Tone,
    row_of,
)
from countersign.connectors.ticketing.outcome import decided_words

CALLS_WHOLE, ROWS_WHOLE, LINES = 20, 80, 60
"""Calls, and rows of all of them, that are shown whole; of more each has a line, and so many have
one. Gmail hides what stands behind the first 102 KB of a mail."""
REASONS_LIMIT, RESULTS_LIMIT, LEAST = 6_000, 12_000, 120
"""Characters of all reasons, of all results, and of one of them at least."""
OUTCOMES = "What came of each"
NAMED = (
    "To ask or say something of one call, begin with its number, for example “2: why this "
    "amount?”; without one it is about the first call that waits."
)
_NOT_SHOWN = ("Digest", "Branch")
"""Facts of each call that stand on its page, or in its heading."""
_DIGEST = 16


def subject_of(view: RequestView, calls: Sequence[Request]) -> str:
    """What the thread is called: how many calls, at which risk, of which tools."""
    return cut(_document(view, calls).title, SUBJECT_LIMIT)


def asks(
    view: RequestView, calls: Sequence[Request], url: str, *, hears: bool, changed: bool = False
) -> Letter:
    """All calls that wait, each as far as there is room."""
    said = _document(view, calls)
    sections, shared, whole = _sections(said, calls)
    details = [*shared, *(row for row in said.facts if row.name not in ON_TOP)]
    sections.append(Section(heading="Details", rows=tuple(details)))
    who = "an unknown person" if view.requester is None else view.requester.name
    agents = " and ".join(dict.fromkeys(each.agent for each in calls))
    lead = [
        visible(
            f"{len(calls)} calls wait together, proposed by {agents} on behalf of {who}. Nothing "
            "has run; each runs once, with exactly these values, if it is approved, and none "
            "before all of them are decided."
        )
    ]
    if view.reversibility is not None:
        lead.append(f"Of these {len(waiting(calls))} calls {CLASSES[view.reversibility]}.")
    lead += [visible(line) for line in failed_branches(view.request)]
    if changed:
        lead.insert(
            0, "This has changed since the mail before: what you read there counts no more."
        )
    if not whole:
        lead.append("Not everything fits into a mail. The page behind the link shows all of it.")
    money = "; ".join(f"{value:,f} {of}" for of, value in totals(waiting(calls)).items())
    top = [row for row in said.facts if row.name in ON_TOP]
    top += [row_of("In total", cut_visibly(visible(money), 400))] if money else []
    return Letter(
        subject=cut(said.title, SUBJECT_LIMIT),
        badge="Changed" if changed else "Waits for you",
        tone="asks",
        heading=said.title,
        lead=tuple(lead),
        top=tuple(top),
        sections=tuple(sections),
        links=(Link(words="Read and decide", url=url),),
        small=(SAFE, ANSWERS, NAMED) if hears else (SAFE, DEAF),
    )


def reminds(said: Letter, calls: Sequence[Request]) -> Letter:
    """The reminder of one call, as one of all that still wait."""
    count = len(waiting(calls))
    if count < 2:
        return said
    lead = (f"{count} calls wait together behind the link.", *said.lead)
    return said.model_copy(update={"lead": lead})


def ended(view: RequestView, calls: Sequence[Request], url: str, subject: str) -> Letter:
    """What was decided of each call, and what came of it."""
    room = max(LEAST, RESULTS_LIMIT // len(calls))
    rows, undoable = [], ""
    for number, each in enumerate(calls[:LINES], start=1):
        words = [visible(decided_words(each))]
        result = each.result
        content = "" if result is None else visible(result.content or result.message).strip()
        words += [cut_visibly(content, room)] if content else []
        rows.append(Row(name=_name(number, each), text="\n".join(words)))
        undoable = undoable or offered_words(offered(each, view.undos_of(each)))
    rows += _more(len(calls))
    badge, tone = _end(calls)
    return Letter(
        subject=f"Re: {subject}",
        badge=badge,
        tone=tone,
        heading=f"All {len(calls)} calls are over",
        lead=(undoable or "Nothing is left for you to do here.",),
        top=(row_of("What for", subject),),
        sections=(Section(heading=OUTCOMES, rows=tuple(rows)),),
        links=(Link(words="Read or undo it" if undoable else "Read it", url=url),),
    )


def asked_state(calls: Sequence[Request]) -> str:
    """What a thread has told that shows these revisions."""
    return f"calls {','.join(each.digest[:_DIGEST] for each in calls)}"


def shows(told: str, calls: Sequence[Request]) -> bool:
    """Whether a thread that has told this shows every call that waits as it is now."""
    before = told.partition(";")[0].removeprefix("calls ").split(",")
    if len(before) != len(calls):
        return False
    return all(
        each.digest[:_DIGEST] == known
        for each, known in zip(calls, before, strict=True)
        if each.status is RequestStatus.PENDING
    )


def ended_state(calls: Sequence[Request]) -> str:
    """What a thread has told that says what came of all of them."""
    return f"ended {','.join(each.status for each in calls)}"


def is_settled(request: Request) -> bool:
    """Whether it is known what came of it, or nobody knows it for now."""
    running = (RequestStatus.PENDING, RequestStatus.APPROVED, RequestStatus.EXECUTING)
    return request.status not in running


def mark_of(state: str) -> str:
    """What the id of a mail ends in that tells of this state: the same for the same one."""
    word = state.partition(" ")[0]
    return f"{word}{hashlib.sha256(state.encode()).hexdigest()[:_DIGEST]}"


def _document(view: RequestView, calls: Sequence[Request]) -> Document:
    order = TicketOrder(key=view.request.id, view=view, approvers=view.eligible, calls=tuple(calls))
    return document_of(order, None, NAME, budget=VALUES_LIMIT)


def _sections(
    said: Document, calls: Sequence[Request]
) -> tuple[list[Section], Sequence[Row], bool]:
    """The calls, the facts that are the same of all of them, and whether all of each is there."""
    room = max(LEAST, REASONS_LIMIT // len(calls))
    parts = [_part(part, each, room) for part, each in zip(said.parts, calls, strict=True)]
    first, *others = (part.facts for part in parts if part.call)
    shared = [row for row in first if all(row in facts for facts in others)]
    alone = [
        part.model_copy(update={"facts": tuple(row for row in part.facts if row not in shared)})
        for part in parts
    ]
    rows = sum(len(part.rows) + len(part.facts) for part in alone)
    if len(parts) <= CALLS_WHOLE and rows <= ROWS_WHOLE:
        cut_off = any(len(part.why) > room for part in said.parts)
        return alone, shared, said.complete and not cut_off
    lines = tuple([*said.listed[:LINES], *_more(len(calls))])
    return [Section(heading="What exactly would run", rows=lines)], shared, False


def _part(part: Part, request: Request, room: int) -> Section:
    if not part.facts:  # not asked any more: what stands there is ours
        return Section(heading=part.title, rows=(), facts=(row_of("State", part.why),))
    none = () if shown_arguments(request.arguments) else (row_of("", "It takes no arguments."),)
    facts = [row_of("Why", cut_visibly(part.why, room))]
    facts += [row for row in part.facts if row.name not in _NOT_SHOWN]
    before = [row.model_copy(update={"name": f"{row.name} (before)"}) for row in part.before]
    return Section(
        heading=part.title,
        call=True,
        rows=(*part.arguments, *none, *part.notes, *before),
        facts=tuple(facts),
    )


def _name(number: int, request: Request) -> str:
    return visible(f"{number}. {cut(in_words(request.tool), 40)}{branch_of(request)}")


def _more(count: int) -> list[Row]:
    return [] if count <= LINES else [row_of("", f"… {count - LINES:,} more calls")]


def _end(calls: Sequence[Request]) -> tuple[str, Tone]:
    """A badge: what all have come to, or the worst that people have to know of."""
    found = {each.status for each in calls}
    for status in (RequestStatus.IN_DOUBT, RequestStatus.FAILED):
        if status in found:
            return ENDS[status][:2]
    return ENDS[next(iter(found))][:2] if len(found) == 1 else ("Over", "plain")
