"""Remarks: what is put on record of a request without a vote on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from countersign.approvals import ids
from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import refused
from countersign.approvals.errors import ClosedError, NotAuthorisedError, StaleDigestError
from countersign.approvals.forms import told
from countersign.approvals.models import (
    Actor,
    DeliveryId,
    JsonObject,
    Opening,
    PrincipalId,
    Request,
    RequestId,
    RequestStatus,
)
from countersign.approvals.observer import Observer
from countersign.approvals.ports import Store, Unit
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import openings as opening_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import tickets as ticket_rows
from countersign.approvals.tickets import ActKey

COMMENTED = "commented"
"""The ledger's kind."""
T = TypeVar("T")


class Remarks:
    """Each method is one transaction, as `Approvals` says of the method of its name."""

    def __init__(self, store: Store, moments: Moments, outbox: Outbox, observer: Observer):
        self._store, self._moments = store, moments
        self._outbox, self._observer = outbox, observer

    async def refuse(
        self, request_id: RequestId, actor: Actor, reason: str, *, act: ActKey | None = None
    ) -> None:
        """A channel has refused an attempt by itself."""

        def work(unit: Unit, request: Request) -> bool:
            new = act is None or ticket_rows.record_act(
                unit.connection, act, request.id, reason, unit.now
            )
            if new:
                refused(unit, request, actor, reason, verdict=None)
            return new

        if await about(self._store, self._moments, request_id, work):
            self._observer.vote_refused(request_id, actor.via, NotAuthorisedError(reason))

    async def opened(
        self, request_id: RequestId, person: PrincipalId, *, revision: int, link: str
    ) -> bool:
        """A person has read all of a revision; whether that was new."""

        def work(unit: Unit, request: Request) -> bool:
            if request.revision != revision:
                raise StaleDigestError(f"Request {request_id} is at another revision now.")
            if request.status is not RequestStatus.PENDING:
                raise ClosedError(f"Request {request_id} is {request.status}.")
            opening = Opening(
                request_id=request_id, revision=revision, principal_id=person, at=unit.now
            )
            new = opening_rows.add(unit, opening, request.session_id)
            if new:
                body: JsonObject = {
                    "request": request_id,
                    "revision": revision,
                    "digest": request.digest,
                    "by": person,
                    "link": link,
                }
                ledger_rows.append(unit, request.session_id, ("opened", body))
                self._outbox.changed(unit, request)
            return new

        return await about(self._store, self._moments, request_id, work)

    async def note(
        self, request_id: str, kind: str, body: JsonObject, *, act: ActKey, reason: str = ""
    ) -> bool:
        """Something happened to a ticket; whether it was new."""

        def work(unit: Unit, request: Request) -> bool:
            new = ticket_rows.record_act(unit.connection, act, request.id, reason, unit.now)
            if new:
                entry: JsonObject = {"request": request.id, **body}
                ledger_rows.append(unit, request.session_id, (kind, entry))
            return new

        return await about(self._store, self._moments, request_id, work)

    async def comment(self, request_id: RequestId, actor: Actor, text: str, *, act: ActKey) -> bool:
        """Somebody said something of a request; whether it was new."""

        def work(unit: Unit, request: Request) -> bool:
            if not ticket_rows.record_act(unit.connection, act, request.id, "", unit.now):
                return False
            said, person = well_formed(text), actor.principal
            body: JsonObject = {
                "request": request.id,
                "by": None if person is None else person.id,
                "identity": actor.identity,
                "via": actor.via,
                "text": said,
            }
            ledger_rows.append(unit, request.session_id, (COMMENTED, body))
            _, session = request_rows.with_session(unit, request_id)
            name = actor.identity if person is None else person.name
            self._outbox.tell(unit, session, told.commented(request, name, said))
            return True

        return await about(self._store, self._moments, request_id, work)

    async def adopt_delivery(
        self, request_id: RequestId, channel: str, reference: JsonObject
    ) -> None:
        """A card that we had lost sight of is there."""
        target = delivery_rows.own_target(reference)

        def work(unit: Unit, request: Request) -> None:
            for known in delivery_rows.of_request(unit.connection, request.id):
                if known.channel == channel and known.reference == reference:
                    return
            delivery_id = DeliveryId(ids.new_id("D"))
            delivery_rows.add(
                unit.connection,
                delivery_id=delivery_id,
                request_id=request.id,
                channel=channel,
                target=target,
                now=unit.now,
                reference=reference,
            )
            self._outbox.redeliver(unit, [delivery_id])

        await about(self._store, self._moments, request_id, work)

    async def look_again(self, channel: str, person: PrincipalId) -> None:
        """What was sent to this person may not be there."""

        def work(unit: Unit) -> None:
            found = delivery_rows.look_again(unit.connection, channel, f"person:{person}", unit.now)
            self._outbox.redeliver(unit, [DeliveryId(each) for each in found])

        await self._store.unit(work, self._moments.now())


async def about(
    store: Store, moments: Moments, request_id: str, work: Callable[[Unit, Request], T]
) -> T:
    """One unit on a request whose session is locked. Raises NotFoundError."""

    def locked(unit: Unit) -> T:
        request_rows.lock(unit, request_id)
        return work(unit, request_rows.get(unit.connection, request_id))

    return await store.unit(locked, moments.now())
