"""Changes of an issue's status, and what whoever made them had said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Value
from countersign.approvals.tickets import TicketAct
from countersign.connectors.comments.questions import question_in
from countersign.connectors.comments.withdrawing import is_withdrawal
from countersign.connectors.jira.wire import Account, Change, History, Issue, Remark


class Move(Value):
    """A change of the status."""

    history: History
    change: Change

    @property
    def by(self) -> Account:
        """Who made it."""
        return self.history.by


def is_same(one: Account, other: Account) -> bool:
    """Whether they are one account that is known."""
    return one.id is not None and one.id == other.id


def act_of(move: Move, said: Sequence[Remark], changes: str, flaw: str) -> TicketAct:
    """The act that a move is, with what was said before it."""
    *earlier, comment = own_words(said) or ("",)
    return TicketAct(
        id=move.history.id,
        at=move.history.at,
        actor=move.by.id,
        actor_name=move.by.name,
        state=move.change.to,
        state_name=move.change.text,
        comment=comment,
        earlier=tuple(earlier),
        changes=changes,
        flaw=flaw,
    )


def last_move(issue: Issue) -> str:
    """The id of the newest change of the status; empty if it was never changed."""
    moves = status_changes(issue)
    return moves[-1].history.id if moves else ""


def status_changes(issue: Issue) -> list[Move]:
    """Every change of the status, oldest first."""
    pairs = ((history, history.of("status")) for history in issue.histories)
    return [Move(history=h, change=change) for h, change in pairs if change is not None]


def said_by(issue: Issue, who: Account, since: datetime, until: datetime | None) -> list[Remark]:
    """The comments of this person in that time, oldest first."""
    own = (r for r in issue.remarks if who.id is not None and r.by.id == who.id)
    said = [r for r in own if r.at >= since and (until is None or r.at < until)]
    return [r for r in said if not is_withdrawal(r.text) and not question_in(r.text)]


def own_words(said: Sequence[Remark]) -> list[str]:
    """Those in which nobody else has had a hand."""
    return [remark.text for remark in said if not remark.edited]


def called(who: Account) -> str:
    """The account as people call it."""
    return visible(who.name or who.id or "somebody")
