"""Observations of tickets: what stands there, and who the trail says has put it there. Pure.

An act's id is the row and its update count when the answer was set, so that what happens to the
row afterwards (a comment, a rule of the instance) makes no new act of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from urllib.parse import quote

from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Value, Verdict
from countersign.approvals.tickets import Observation, TicketAct, TicketRef, text_sha256
from countersign.connectors.comments.questions import ASK, question_in
from countersign.connectors.comments.withdrawing import WITHDRAW, is_withdrawal
from countersign.connectors.servicenow import wire
from countersign.connectors.servicenow.settings import ServiceNowSettings
from countersign.connectors.servicenow.trail import Trail
from countersign.connectors.servicenow.typed import as_typed
from countersign.connectors.servicenow.wire import Mark, Record

CLOSED = "closed without an answer"
"""The state of an act that is no answer and the end of the record."""
ALTERED = "The text of the ticket was changed by {} before this."
CHANGES_OF_ANOTHER = "The changes to the arguments were last written by {}, who did not decide."
MOVED_HERE = "This approval was given on another record; {} has put it on this one."
ASKED = ("requested",)


class Ticket(Value):
    """A record with the answers that stand in it."""

    record: Record
    marks: tuple[Mark, ...]
    shown: str
    """`wire.shown_sha256` of what we wrote; empty if that is not known."""

    @property
    def altered(self) -> bool:
        """Whether its text does not read as we wrote it."""
        now = wire.shown_sha256(self.record.title, self.record.description)
        return self.shown not in ("", now)


def pending(settings: ServiceNowSettings) -> Sequence[str]:
    """The states in which people are asked."""
    return ASKED if settings.decide_by == "approvers" else settings.decide_by.pending


def decided(settings: ServiceNowSettings, ticket: Ticket) -> list[Mark]:
    """The answers in it."""
    return [mark for mark in ticket.marks if settings.verdict(mark.state) is not None]


def to_trace(settings: ServiceNowSettings, ticket: Ticket) -> bool:
    """Whether it has to be known who wrote into its text.

    Whoever changes it for the time of an answer changes it back after that, and is then the last
    who wrote into the record; an answer by itself leaves it to the one who gave it.
    """
    answers = decided(settings, ticket)
    who = {(mark.approver or mark.updated_by).casefold() for mark in answers}
    return ticket.altered or (bool(answers) and who != {ticket.record.updated_by.casefold()})


def touched(ticket: Ticket) -> list[str]:
    """The rows of it in which somebody may have said something: whoever comments updates a row."""
    rows = [mark.id for mark in ticket.marks if mark.updates]
    return list(dict.fromkeys([*rows, *([ticket.record.id] if ticket.record.updates else [])]))


def to_hear(settings: ServiceNowSettings, ticket: Ticket) -> list[str]:
    """The rows of it in which what was said has to be looked for: of a ticket that was answered the
    answers are read, and once they are counted it is asked again, or it is over."""
    return [] if decided(settings, ticket) else touched(ticket)


def link(settings: ServiceNowSettings, sys_id: str) -> str:
    """Where a person opens a record. Source: ServiceNow docs, "Navigate directly to a table"."""
    return f"{settings.url}/nav_to.do?uri={quote(f'{settings.table}.do?sys_id={sys_id}', safe='')}"


def ref(settings: ServiceNowSettings, record: Record, shown: str) -> TicketRef:
    """How we call it."""
    url = link(settings, record.id)
    return TicketRef(id=record.id, key=record.number, url=url, shown=shown)


def observation(settings: ServiceNowSettings, ticket: Ticket, trail: Trail) -> Observation:
    """What was read, for the domain."""
    record = ticket.record
    acts = [_act(settings, ticket, mark, trail) for mark in decided(settings, ticket)]
    asks = any(mark.state in pending(settings) for mark in ticket.marks)
    if not acts and (closing := _closing(settings, record)) is not None:
        acts.append(closing)
    acts += _said(ticket, trail, WITHDRAW, is_withdrawal) + _said(ticket, trail, ASK, question_in)
    in_a_column = settings.decide_by != "approvers"
    return Observation(
        ref=ref(settings, record, ticket.shown),
        order_key=record.order_key,
        awaiting=asks and (record.mark == settings.open_mark or not in_a_column),
        state_name=f"approval {record.approval}, state {record.state}",
        acts=tuple(sorted(acts, key=lambda act: act.at)),
        altered_by=trail.editor(record, settings) if ticket.altered else None,
    )


def _said(
    ticket: Ticket, trail: Trail, state: str, means: Callable[[str], object]
) -> list[TicketAct]:
    """Comments that are acts by what they say. A journal entry cannot be edited in the instance;
    times are whole seconds, so that what was said is part of the id."""
    found = ((entry, as_typed(entry.value)) for entry in trail.said(touched(ticket)))
    return [
        TicketAct(
            id=f"{state}:{entry.user}:{entry.at:%Y%m%d%H%M%S}:{text_sha256(text)[:12]}",
            at=entry.at,
            actor=entry.user or None,
            state=state,
            state_name=state,
            comment=text,
        )
        for entry, text in found
        if means(text)
    ]


def act_id(mark: Mark, trail: Trail) -> str:
    """The id of the act that an answer is."""
    setter = trail.setter(mark)
    return f"{mark.id}:{mark.updates if setter is None else setter.update}"


def _act(settings: ServiceNowSettings, ticket: Ticket, mark: Mark, trail: Trail) -> TicketAct:
    setter = trail.setter(mark)
    actor = None if setter is None else setter.user or None
    at = mark.updated_at if setter is None else setter.at
    said = [] if actor is None else trail.comments(mark, actor, pending(settings), ticket.record.id)
    *earlier, comment = said or [""]
    return TicketAct(
        id=act_id(mark, trail),
        at=at,
        actor=actor,
        state=mark.state,
        comment=comment,
        earlier=tuple(earlier),
        changes="" if actor is None else trail.changes(mark, settings.changes_field, actor),
        assigned_to=mark.approver,
        flaw="" if actor is None else _flaw(settings, ticket, mark, trail, actor, at),
    )


def _flaw(
    settings: ServiceNowSettings,
    ticket: Ticket,
    mark: Mark,
    trail: Trail,
    actor: str,
    at: datetime,
) -> str:
    """Why an answer cannot count, whoever gave it."""
    if mark.approver is not None and (mover := trail.mover(mark)):
        return MOVED_HERE.format(visible(mover))
    if ticket.shown and not ticket.altered and (editor := trail.editor_at(ticket.record, at)):
        return ALTERED.format(visible(editor))
    if settings.verdict(mark.state) is Verdict.REJECT or not settings.changes_field:
        return ""
    writer = trail.changes_of_another(mark, settings.changes_field, actor, pending(settings))
    return CHANGES_OF_ANOTHER.format(visible(writer)) if writer else ""


def _closing(settings: ServiceNowSettings, record: Record) -> TicketAct | None:
    """That somebody has closed the record while it waited."""
    ours = record.closed_by and settings.is_own(record.closed_by)
    if record.active or record.mark != settings.open_mark or ours:
        return None
    at = record.closed_at or record.updated_at
    return TicketAct(
        id=f"{record.id}:{record.state}:{at:%Y%m%d%H%M%S}",
        at=at,
        actor=record.closed_by or None,
        state=CLOSED,
        state_name=f"closed (state {record.state})",
    )
