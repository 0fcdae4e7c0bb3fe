"""Shares: what one answer to a ticket of several calls means for each of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import Verdict
from countersign.approvals.tickets import TicketAct, TicketVote
from countersign.connectors.comments.numbered import HOW, Numbered
from countersign.connectors.ticketing.acts import of_call


def shares_of(vote: TicketVote, said: Numbered, numbers: Sequence[int]) -> dict[int, TicketVote]:
    """The vote of each call that it is for, by number. Raises InvalidError where what was set and
    what was written contradict each other."""
    every = frozenset(numbers)
    if vote.verdict is Verdict.REJECT:
        if said.only or said.changes or (said.reject and said.reject.keys() != every):
            raise InvalidError(
                "What was set rejects all calls, and the comment names only some of them. To "
                f"decide them differently, {HOW}, and then approve the rest of them."
            )
        *earlier, last = said.rest or ("",)
        return {
            number: _share(vote.act, number, Verdict.REJECT, said.reject.get(number, last))
            for number in numbers
        }
    if vote.verdict is Verdict.MODIFY and not said.changes:
        raise InvalidError(f"It does not say what to change. To change a call, {HOW}.")
    approved = said.approve if said.only else every - said.reject.keys()
    *earlier, last = said.rest or ("",)
    shares: dict[int, TicketVote] = {}
    for number in numbers:
        if number in said.reject:
            why = said.reject[number]
            shares[number] = _share(vote.act, number, Verdict.REJECT, why)
        elif number in said.changes:
            lines = said.changes[number]
            shares[number] = _share(vote.act, number, Verdict.MODIFY, last, earlier, lines)
        elif number in approved:
            shares[number] = _share(vote.act, number, Verdict.APPROVE, last, earlier)
    return shares


def _share(
    act: TicketAct,
    number: int,
    verdict: Verdict,
    comment: str,
    earlier: Sequence[str] = (),
    changes: str = "",
) -> TicketVote:
    said = {"comment": comment, "earlier": tuple(earlier), "changes": changes}
    return TicketVote(act=of_call(act, number).model_copy(update=said), verdict=verdict)
