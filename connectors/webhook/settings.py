"""The `connectors.webhook` section: whom we tell, and who may speak for whom."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, field_validator

from countersign.approvals.models import Via
from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecrets, Section, named
from countersign.connectors.system import Situation

NAME = "webhook"
Network = IPv4Network | IPv6Network
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
MIN_SECRET_BYTES = 24
"""Source: Standard Webhooks specification 1.0, "Signature scheme": 24 to 64 bytes."""


class EventKind(StrEnum):
    """What can be told of a request."""

    CREATED = "created"
    UPDATED = "updated"
    """It has other arguments now, or another stage is asked."""
    DECIDED = "decided"
    EXECUTED = "executed"
    """Its tool ran, or failed: `status` says which."""
    IN_DOUBT = "in_doubt"


class Part(StrEnum):
    """What is told of a request beside its ids, tool, status and digest, if it is let out."""

    ARGUMENTS = "arguments"
    RATIONALE = "rationale"
    TASK = "task"
    COMMENTS = "comments"
    RESULT = "result"


class Signed(Section):
    """Somebody with whom we share secrets, as `whsec_` and base64."""

    name: Name
    secrets: EnvSecrets = named("secret", "secrets", min_length=1)
    """Several while one is replaced by the next: we sign with each, and take any of them."""

    @field_validator("secrets")
    @classmethod
    def _are_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in value:
            try:
                key = key_of(secret.get_secret_value())
            except (ValueError, binascii.Error):
                key = b""
            if len(key) < MIN_SECRET_BYTES:
                raise ValueError(
                    f"a secret is no base64 of {MIN_SECRET_BYTES} random bytes at least; make "
                    'one with: echo "whsec_$(openssl rand -base64 32)"'
                )
        return value

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The secrets as bytes."""
        return tuple(key_of(secret.get_secret_value()) for secret in self.secrets)


class EndpointSettings(Signed):
    """One address that is told."""

    url: str
    events: frozenset[EventKind] = frozenset(EventKind)
    include: frozenset[Part] = frozenset()


class CallerSettings(Signed):
    """One program that may say what somebody has decided."""

    speaks_for: tuple[str, ...] = Field(min_length=1)
    """Ids of people."""


class WebhookSettings(Section):
    """Both ways; each may be left out."""

    endpoints: tuple[EndpointSettings, ...] = ()
    callers: tuple[CallerSettings, ...] = ()
    private_networks: tuple[Network, ...] = ()
    """Networks of one's own in which endpoints may be, as `10.20.0.0/16`; an endpoint whose name
    leads to any other private address is not told."""
    timeout: Seconds = 15.0
    give_up_after: int = Field(default=20, ge=1, le=100)
    """Attempts in a row, about three hours; then operators have to send it again."""


def key_of(secret: str) -> bytes:
    """A secret as bytes. Raises ValueError if it is no base64."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def problems(settings: WebhookSettings, situation: Situation) -> Iterator[str]:
    """What does not fit, with the path of its key."""
    path = f"connectors.{NAME}"
    for key, found in (("endpoints", settings.endpoints), ("callers", settings.callers)):
        names = [each.name for each in found]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{path}.{key}: {name} is there twice; give each a name of its own."
    for number, endpoint in enumerate(settings.endpoints):
        if (wrong := _wrong_address(endpoint.url, local=situation.local)) is not None:
            yield f"{path}.endpoints.{number}.url: {wrong}"
    known: set[bytes] = set()
    for number, caller in enumerate(settings.callers):
        if known.intersection(caller.keys):
            yield f"{path}.callers.{number}.secret_env: another caller has this secret, too."
        known.update(caller.keys)
    if situation.asked and not settings.endpoints:
        yield f"{path}.endpoints: rules ask in {Via(NAME)}, but nobody is told; add one."


def _wrong_address(url: str, *, local: bool) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "this is no address."
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "leave out user, password and fragment; the signature says who we are."
    if parts.scheme == "https" and parts.hostname:
        return None
    if local and parts.scheme == "http" and parts.hostname in LOOPBACK:
        return None
    return "use https; http is for this machine only, in local mode."
