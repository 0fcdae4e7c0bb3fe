"""Passkeys: added by their owner, on the governance ledger, and asked before an approval.

Sources, read 2026-11-30: W3C Web Authentication Level 3, sections 7.1 and 7.2 (what a relying party
checks; `webauthn` does it), and 6.1.1 (a counter that goes back means that a key was copied).
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection

from countersign.approvals.audit.canonical import sha256_hex
from countersign.approvals.errors import IntegrityError, InvalidError, NotFoundError
from countersign.approvals.models import (
    Actor,
    GivenProof,
    JsonObject,
    Passkey,
    PasskeyAdded,
    PasskeyRemoved,
    Principal,
    Request,
)
from countersign.approvals.ports import Clock, Moment, Store, Unit
from countersign.approvals.rules.authority import ADMIN_ROLE
from countersign.approvals.store import presence as rows
from countersign.bot.inbox.shell import Visit
from countersign.bot.step_up import challenges
from countersign.bot.step_up.presence import Presence
from countersign.bot.step_up.relying_party import NAME, RelyingParty

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

# `webauthn` is imported where somebody uses a passkey.

log = structlog.get_logger(__name__)

METHOD = "passkey"
MAX_PASSKEYS = 20
MAX_NAME = 60
MAX_ANSWER = 20_000
AGAIN = "Your device's answer does not fit. Nothing was done; try once more."


class Passkeys:
    """Adds, asks and removes them."""

    def __init__(self, store: Store, clock: Clock, presence: Presence, party: RelyingParty):
        self._store, self._clock, self._presence = store, clock, presence
        self.party = party

    async def of(self, person: Principal) -> list[Passkey]:
        """Those of a person that count, oldest first."""
        return await self._store.read(lambda c: rows.passkeys_of(c, person.id))

    def to_add(self, visit: Visit, known: list[Passkey]) -> str:
        """What a browser is to ask its device for, as JSON."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        person = visit.reader
        options = generate_registration_options(
            rp_id=self.party.id,
            rp_name=NAME,
            user_id=sha256_hex(person.id.encode())[:64].encode(),
            user_name=person.id,
            user_display_name=person.name,
            challenge=challenges.challenge(visit.cookie, challenges.REGISTER, self._clock.now()),
            exclude_credentials=_described(known),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        return options_to_json(options)

    async def add(self, visit: Visit, answer: str, name: str) -> Passkey:
        """Keep what the device has made. Raises InvalidError."""
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url
        from webauthn.helpers.exceptions import WebAuthnException

        credential, now = _credential(answer), self._clock.now()
        value = _challenge(credential)
        if challenges.given_at(visit.cookie, challenges.REGISTER, value, now) is None:
            raise InvalidError(AGAIN)
        try:
            made = verify_registration_response(
                credential=credential,
                expected_challenge=value,
                expected_rp_id=self.party.id,
                expected_origin=self.party.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
            log.warning("passkey not added", by=visit.reader.id, error=type(exc).__name__)
            raise InvalidError(AGAIN) from exc
        passkey = Passkey(
            id=bytes_to_base64url(made.credential_id),
            principal_id=visit.reader.id,
            name=name.strip()[:MAX_NAME] or "Passkey",
            public_key=bytes_to_base64url(made.credential_public_key),
            created_at=now,
            sign_count=made.sign_count,
        )
        actor = visit.actor
        entry = PasskeyAdded(
            passkey=passkey.id,
            key=sha256_hex(passkey.public_key.encode()),
            name=passkey.name,
            by=visit.reader.id,
            via=actor.via,
            identity=actor.identity,
        )

        def keep(unit: Unit) -> None:
            if rows.passkey(unit.connection, passkey.id) is not None:
                raise InvalidError("This passkey is known already.")
            if len(rows.passkeys_of(unit.connection, passkey.principal_id)) >= MAX_PASSKEYS:
                raise InvalidError("You have too many passkeys; remove one first.")
            rows.add_passkey(unit, passkey, entry)

        await self._store.unit(keep, Moment(now))
        log.info("passkey added", by=passkey.principal_id)
        return passkey

    async def remove(self, actor: Actor, passkey_id: str) -> None:
        """It counts no longer: its owner may say so, and an administrator. Raises NotFoundError."""
        person = actor.principal

        def end(unit: Unit) -> None:
            found = rows.passkey(unit.connection, passkey_id)
            if person is None or found is None or found.removed_at is not None:
                raise NotFoundError("There is no such passkey.")
            if found.principal_id != person.id and ADMIN_ROLE not in person.roles:
                raise NotFoundError("There is no such passkey.")
            entry = PasskeyRemoved(
                passkey=found.id,
                of=found.principal_id,
                by=person.id,
                via=actor.via,
                identity=actor.identity,
            )
            rows.remove_passkey(unit, found.id, entry)

        await self._store.unit(end, Moment(self._clock.now()))

    def to_approve(self, visit: Visit, request: Request, known: list[Passkey]) -> str:
        """What a browser is to ask its device for, so that its owner approves this revision."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        purpose = challenges.approving(request.id, request.digest)
        options = generate_authentication_options(
            rp_id=self.party.id,
            challenge=challenges.challenge(visit.cookie, purpose, self._clock.now()),
            allow_credentials=_described(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    async def prove(self, visit: Visit, request: Request, answer: str) -> GivenProof:
        """The proof that a device's answer is. Raises InvalidError, IntegrityError."""
        from webauthn import verify_authentication_response
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.exceptions import WebAuthnException

        credential, now = _credential(answer), self._clock.now()
        value = _challenge(credential)
        purpose = challenges.approving(request.id, request.digest)
        at = challenges.given_at(visit.cookie, purpose, value, now)
        passkey = await self._own(visit.reader, str(credential.get("id")))
        if at is None or passkey is None or visit.session is None:
            raise InvalidError(AGAIN)
        try:
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=value,
                expected_rp_id=self.party.id,
                expected_origin=self.party.origin,
                credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as exc:
            log.warning("passkey not believed", by=visit.reader.id, error=type(exc).__name__)
            raise InvalidError(AGAIN) from exc
        response = credential["response"]
        evidence: JsonObject = {
            "passkey": passkey.id,
            "public_key": passkey.public_key,
            **{name: response[name] for name in _SIGNED},
        }

        def note(connection: Connection) -> None:
            rows.used_passkey(connection, passkey.id, verified.new_sign_count, now)

        return await self._presence.give(
            request,
            visit.reader.id,
            proof_id=challenges.name_of(value),
            method=METHOD,
            session_id=visit.session.id,
            at=_later(at, now),
            evidence=evidence,
            also=note,
        )

    async def _own(self, person: Principal, passkey_id: str) -> Passkey | None:
        """The passkey, if this person added it, by what the ledger says. Raises IntegrityError."""

        def read(connection: Connection) -> tuple[Passkey | None, bool]:
            found = rows.passkey(connection, passkey_id)
            if found is None or found.removed_at is not None or found.principal_id != person.id:
                return None, True
            return found, rows.is_told(connection, found)

        found, is_told = await self._store.read(read)
        if not is_told:
            log.error("a passkey is not on the governance ledger", passkey=passkey_id)
            raise IntegrityError(
                "This passkey stands in the database, but nobody has added it here. It does not "
                "count; tell whoever runs this server."
            )
        return found


_SIGNED = ("clientDataJSON", "authenticatorData", "signature")


def _later(at: datetime, now: datetime) -> datetime:
    """The answer came between the challenge and now; the earlier one is what is certain."""
    return min(at, now)


def _described(known: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in known]


def _credential(answer: str) -> dict[str, Any]:
    """What a browser sends. Raises InvalidError."""
    if len(answer) > MAX_ANSWER:
        raise InvalidError(AGAIN)
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError) as exc:
        raise InvalidError(AGAIN) from exc
    if not isinstance(found, dict) or not isinstance(found.get("response"), dict):
        raise InvalidError(AGAIN)
    return found


def _challenge(credential: dict[str, Any]) -> bytes:
    """The challenge that was answered, as the browser says it. Raises InvalidError."""
    from webauthn.helpers import base64url_to_bytes

    try:
        client = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(client["challenge"])
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as exc:
        raise InvalidError(AGAIN) from exc
