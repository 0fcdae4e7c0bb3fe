"""What is stored of all that a channel shows of a request, read in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from countersign.approvals.models import (
    Delivery,
    Hindsight,
    Opening,
    Pause,
    Question,
    Request,
    RequestId,
    Session,
    Undone,
    Vote,
)
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import (
    hindsights,
    openings,
    pauses,
    questions,
    requests,
    sessions,
    undos,
)
from countersign.approvals.store import votes as vote_rows


class ViewRows(NamedTuple):
    """The stored half of a `RequestView`; who people are and what tools take comes to it."""

    request: Request
    session: Session
    votes: tuple[Vote, ...]
    siblings: tuple[Request, ...]
    openings: tuple[Opening, ...]
    pauses: tuple[Pause, ...]
    """All that hold."""
    questions: tuple[Question, ...] = ()
    undos: tuple[Undone, ...] = ()
    hindsights: tuple[Hindsight, ...] = ()
    undos_beside: tuple[Undone, ...] = ()
    """Of the siblings."""


def view_rows(connection: Connection, request_id: str) -> ViewRows:
    """Those of one request. Raises NotFoundError."""
    request = requests.get(connection, request_id)
    session = sessions.get(connection, request.session_id)
    together = requests.of_checkpoint(connection, request.session_id, request.checkpoint_id)
    siblings = [other for other in together if other.id != request.id]
    done = [other.id for other in siblings if other.undo is not None]
    return ViewRows(
        request=request,
        session=session,
        votes=tuple(vote_rows.of_request(connection, request_id)),
        siblings=tuple(siblings),
        openings=tuple(openings.of_revision(connection, request.id, request.revision)),
        pauses=tuple(pauses.active(connection)),
        questions=tuple(questions.of_request(connection, request.id)) if request.questions else (),
        undos=() if request.undo is None else tuple(undos.of_request(connection, request.id)),
        hindsights=_hindsights(connection, request),
        undos_beside=tuple(u for of in done for u in undos.of_request(connection, of)),
    )


def _hindsights(connection: Connection, request: Request) -> tuple[Hindsight, ...]:
    """Nobody has put anything on record of what is neither in shadow nor over."""
    if request.result is None:
        return ()
    return tuple(hindsights.of_request(connection, request.id))


class Afterwards(NamedTuple):
    """What came of one request after it was decided."""

    undos: Sequence[Undone] = ()
    hindsights: Sequence[Hindsight] = ()


def afterwards(connection: Connection, requests: Sequence[Request]) -> dict[RequestId, Afterwards]:
    """Of those of these requests of which there can be any, a page at most."""
    over = [request for request in requests if request.result is not None]
    said = hindsights.of_requests(connection, [each.id for each in over]) if over else {}
    undone = undos.of_requests(connection, [each.id for each in over if each.undo is not None])
    return {each.id: Afterwards(undone.get(each.id, ()), said[each.id]) for each in over}


def around(
    connection: Connection, request_ids: Sequence[RequestId]
) -> dict[RequestId, tuple[list[Vote], list[Delivery]]]:
    """The votes and deliveries of each of these requests, a page at most."""
    votes = vote_rows.among(connection, request_ids)
    deliveries = delivery_rows.of_requests(connection, request_ids)
    return {
        of: (
            [vote for vote in votes if vote.request_id == of],
            [delivery for delivery in deliveries if delivery.request_id == of],
        )
        for of in request_ids
    }
