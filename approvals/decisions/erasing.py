"""Erasing: what is private by a rule goes from a session that is over, and the ledger says who
had it erased, and why.

The chain is verified as before. What is in other systems (tickets, cards, mails) stays there.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from countersign.approvals.audit.private import KIND, Privacy, PrivateRule
from countersign.approvals.decisions.administering import admin_of, why
from countersign.approvals.decisions.moments import Moments
from countersign.approvals.errors import (
    ConflictError,
    IntegrityError,
    InvalidError,
)
from countersign.approvals.models import (
    Actor,
    JsonObject,
    LedgerEntry,
    RequestStatus,
    SessionId,
    SessionStatus,
    Value,
)
from countersign.approvals.ports import Store, Unit
from countersign.approvals.rules.policies import Policies
from countersign.approvals.store import belongings, holds
from countersign.approvals.store import erasing as rows
from countersign.approvals.store import ledger as ledger_rows
from countersign.approvals.store import requests as request_rows
from countersign.approvals.store import sessions as session_rows
from countersign.approvals.store.verifying import verify_one

log = structlog.get_logger(__name__)
_LIVE = (SessionStatus.RUNNING, SessionStatus.WAITING)
_OPEN = (RequestStatus.EXECUTING, RequestStatus.IN_DOUBT)


class Erased(Value):
    """What an erasure has done."""

    session: SessionId
    rule: str
    entries: tuple[int, ...]
    """Numbers of the entries whose bodies are gone."""


class Erasing:
    """Erases what rules of the configuration call private. Admins may."""

    def __init__(
        self, store: Store, moments: Moments, policies: Policies, private: Sequence[PrivateRule]
    ):
        self._store, self._moments, self._policies = store, moments, policies
        self._rules = {rule.id: rule for rule in private}

    async def erase(self, session_id: str, rule_id: str, reason: str, actor: Actor) -> Erased:
        """Erase what the rule covers in a session; again, it erases what came since.

        Raises NotAuthorisedError; InvalidError for an unknown rule or no reason; NotFoundError;
        ConflictError while the session goes on, or if it has nothing private; IntegrityError if it
        does not verify as it is.
        """
        admin = admin_of(self._policies, actor)
        rule = self._rules.get(rule_id)
        if rule is None:
            known = ", ".join(self._rules) or "there is none; add ledger.private"
            raise InvalidError(f"There is no rule {rule_id} of what is private; rules: {known}.")
        reason = why(reason)
        said: JsonObject = {
            "rule": rule.id,
            "reason": reason,
            "by": admin.id,
            "name": admin.name,
            "via": actor.via,
            "identity": actor.identity,
        }

        def work(unit: Unit) -> Erased:
            found = SessionId(session_id)
            holds.lock(unit)
            session_rows.lock(unit, found)
            _require_over(unit, found)
            _require_free(unit, found)
            entries = ledger_rows.entries(unit.connection, found)
            privacy = Privacy([rule])
            private = [e for e in entries if privacy.rule_of(e) is not None]
            if not private:
                raise ConflictError(f"Session {found} has nothing that {rule.id} calls private.")
            require_erasable(private)
            rows.erase(unit, found, rule, entries, [e.seq for e in private])
            ledger_rows.append(unit, found, *_told(private, said))
            return Erased(session=found, rule=rule.id, entries=tuple(e.seq for e in private))

        erased = await self._store.unit(work, self._moments.now())
        log.warning("erased", session_id=session_id, rule=rule.id, by=admin.id)
        return erased


def require_erasable(entries: Sequence[LedgerEntry]) -> None:
    """Raise ConflictError for entries whose hashes cover their bodies: those of older releases."""
    if old := [entry.seq for entry in entries if not entry.commitment]:
        raise ConflictError(
            f"Entry {old[0]} is of an older release, and its hash covers its body: erasing that "
            "would break the chain."
        )


def _require_over(unit: Unit, session_id: SessionId) -> None:
    session = session_rows.get(unit.connection, session_id)
    if session.status in _LIVE:
        raise ConflictError(f"Session {session_id} goes on; erase what it says when it is over.")
    for request in request_rows.of_session(unit.connection, session_id):
        if request.status in _OPEN:
            raise ConflictError(f"Of request {request.id} it is not known yet whether it has run.")
    problems = verify_one(unit.connection, session_id).problems
    if problems:
        raise IntegrityError(f"Session {session_id} does not verify: {problems[0]}.")


def _require_free(unit: Unit, session_id: SessionId) -> None:
    """Raise ConflictError while somebody has it on hold."""
    held = holds.active(unit.connection)
    found = held and holds.covering(held, belongings.read(unit.connection, session_id))
    if found:
        raise ConflictError(
            f"Session {session_id} is on hold {found.id}, of {found.scope}: {found.reason}"
        )


def _told(private: Sequence[LedgerEntry], said: JsonObject) -> list[tuple[str, JsonObject]]:
    """An entry for each request, and one for what is about none."""
    numbers: dict[str, list[int]] = {}
    for entry in private:
        numbers.setdefault(entry.body.get("request", ""), []).append(entry.seq)
    return [
        (KIND, {**({"request": about} if about else {}), **said, "entries": found})
        for about, found in numbers.items()
    ]
