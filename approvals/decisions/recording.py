"""Recording: what people put on record of a call afterwards, and which decides nothing about it.

What was proposed in shadow is done by a person by hand, who says what they did: that is compared
with what the agent would have done. Of a call that has run somebody may say that it was wrong.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.canonical import canonical_json, well_formed
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.refusals import MARKING, RECORDING, Refusal, refused
from countersign.approvals.decisions.vote_input import MAX_COMMENT
from countersign.approvals.errors import ConflictError, InvalidError
from countersign.approvals.models import (
    Actor,
    Hindsight,
    HindsightKind,
    JsonObject,
    Principal,
    Request,
    RequestId,
)
from countersign.approvals.ports import Store, ToolCatalog, Unit
from countersign.approvals.rules.policies import Policies
from countersign.approvals.rules.rollout.agreement import differing
from countersign.approvals.rules.rollout.who import (
    can_be_wrong,
    is_in_shadow,
    reason_against_marking,
    reason_against_recording,
)
from countersign.approvals.rules.subjects import people_for
from countersign.approvals.store import directory_people
from countersign.approvals.store import hindsights as hindsight_rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows

log = structlog.get_logger(__name__)
DONE, WRONG = "done_by_hand", "marked_wrong"
"""The ledger's kinds."""


class Recording:
    """Keeps what people say of calls afterwards; each once, with whose word it is."""

    def __init__(
        self,
        store: Store,
        moments: Moments,
        policies: Policies,
        catalog: ToolCatalog,
        outbox: Outbox,
        regretted: Callable[[Unit, Request, Actor, str], None],
    ):
        """`regretted` is told of what was wrong."""
        self._regretted = regretted
        self._store, self._moments, self._policies = store, moments, policies
        self._catalog, self._outbox = catalog, outbox

    @property
    def administrators(self) -> tuple[str, ...]:
        """The roles of those who record where a rule names nobody."""
        return self._policies.current.administrators

    async def by_hand(
        self,
        request_id: RequestId,
        actor: Actor,
        *,
        arguments: JsonObject | None,
        text: str = "",
    ) -> Hindsight:
        """Put on record what somebody did by hand of a call in shadow: with these arguments, or
        nothing (None). They become what the tool would have received, and are compared with what
        was proposed, within the tolerances of its rule.

        Raises NotFoundError; ConflictError where it is not in shadow, or somebody was first;
        NotAuthorisedError (which is on the ledger); InvalidArgumentsError; InvalidError.
        """
        text = _text(text, "what you did, and why")
        if arguments is not None:
            arguments = await self._effective(request_id, arguments)
        kind = HindsightKind.BY_HAND

        def work(unit: Unit) -> Hindsight | Refusal:
            request, person = self._about(unit, request_id, actor)
            admins = self._policies.current.administrators
            against = reason_against_recording(person, request, admins)
            if against is not None or person is None:
                error = refused(unit, request, actor, against or "", kind=RECORDING)
                return Refusal(error=error)
            if not is_in_shadow(request):
                raise ConflictError(
                    f"Request {request.id} is not in shadow; only of what was proposed and left to "
                    "people is it recorded what they did."
                )
            _require_first(unit, request, kind)
            rule = self._policies.current.book.named(request.rule_id)
            allowed = {} if rule is None else rule.tolerances
            differs = () if arguments is None else differing(request.arguments, arguments, allowed)
            hindsight = _hindsight(unit, request, kind, person, actor, text).model_copy(
                update={
                    "arguments": arguments,
                    "agrees": arguments is not None and not differs,
                    "differs": differs,
                }
            )
            told = {
                "arguments": arguments,
                "agrees": hindsight.agrees,
                "differs": list(differs),
            }
            self._keep(unit, request, hindsight, DONE, told)
            return hindsight

        return await self._do(work)

    async def wrong(self, request_id: RequestId, actor: Actor, *, reason: str) -> Hindsight:
        """Put on record that a call should not have run, and why. Nothing is undone by that.

        Raises NotFoundError; ConflictError where it has not run, or was marked before;
        NotAuthorisedError (which is on the ledger); InvalidError.
        """
        reason = _text(reason, "why it was wrong")
        if not reason:
            raise InvalidError("Say why it was wrong; it stands on the ledger.")
        kind = HindsightKind.WRONG

        def work(unit: Unit) -> Hindsight | Refusal:
            request, person = self._about(unit, request_id, actor)
            admins = self._policies.current.administrators
            against = reason_against_marking(person, request, admins)
            if against is not None or person is None:
                error = refused(unit, request, actor, against or "", kind=MARKING)
                return Refusal(error=error)
            if not can_be_wrong(request):
                raise ConflictError(
                    f"Request {request.id} is {request.status}; only what has run can have been "
                    "wrong."
                )
            _require_first(unit, request, kind)
            hindsight = _hindsight(unit, request, kind, person, actor, reason)
            self._keep(unit, request, hindsight, WRONG, {})
            self._regretted(unit, request, actor, reason)
            return hindsight

        return await self._do(work)

    async def _effective(self, request_id: RequestId, arguments: JsonObject) -> JsonObject:
        """What the tool would have received, as far as it is known here."""

        def read(connection: Connection) -> tuple[str, str]:
            request = request_rows.get(connection, request_id)
            return session_rows.get(connection, request.session_id).workflow, request.tool

        canonical_json(arguments)  # or InvalidError says what cannot be kept
        found = await self._catalog.effective(*await self._store.read(read), arguments)
        return arguments if found is None else found.arguments

    def _about(
        self, unit: Unit, request_id: RequestId, actor: Actor
    ) -> tuple[Request, Principal | None]:
        request_rows.lock(unit, request_id)
        directory_people.require_current(unit)
        request, session = request_rows.with_session(unit, request_id)
        known = actor.principal
        people = people_for(unit.moment.people, request, session)
        return request, None if known is None else people.by_id(known.id)

    def _keep(
        self, unit: Unit, request: Request, hindsight: Hindsight, entry: str, told: JsonObject
    ) -> None:
        hindsight_rows.add(unit, hindsight, request.session_id)
        body: JsonObject = {
            "request": request.id,
            "digest": request.digest,
            "hindsight": hindsight.kind.value,
            "by": hindsight.principal_id,
            "via": hindsight.via,
            "identity": hindsight.identity,
            "text": hindsight.text,
            **told,
        }
        ledger_rows.append(unit, request.session_id, (entry, body))
        self._outbox.changed(unit, request)

    async def _do(self, work: Callable[[Unit], Hindsight | Refusal]) -> Hindsight:
        outcome = await self._moments.unit(self._store, work)
        if isinstance(outcome, Refusal):
            raise outcome.error
        log.info("recorded", request_id=outcome.request_id, kind=outcome.kind, via=outcome.via)
        return outcome


def _hindsight(
    unit: Unit, request: Request, kind: HindsightKind, person: Principal, actor: Actor, text: str
) -> Hindsight:
    return Hindsight(
        request_id=request.id,
        kind=kind,
        principal_id=person.id,
        name=person.name,
        via=actor.via,
        identity=actor.identity,
        at=unit.now,
        text=text,
    )


def _require_first(unit: Unit, request: Request, kind: HindsightKind) -> None:
    """Raise ConflictError with who was first."""
    said = hindsight_rows.of_request(unit.connection, request.id)
    first = next((each for each in said if each.kind is kind), None)
    if first is not None:
        did = "marked it as wrong" if kind is HindsightKind.WRONG else "recorded what was done"
        raise ConflictError(f"{first.name} {did} at {first.at:%Y-%m-%d %H:%M} UTC; that stands.")


def _text(text: str, what: str) -> str:
    text = well_formed(text).strip()
    if len(text) > MAX_COMMENT:
        raise InvalidError(f"Say in at most {MAX_COMMENT:,} characters {what}.")
    return text
