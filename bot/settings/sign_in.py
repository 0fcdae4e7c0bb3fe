"""The `sign_in` section: the issuer of OpenID Connect by which people sign in to the inbox."""

from __future__ import annotations

import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecret, Section, named

ENTRA_HOSTS = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
    }
)
"""Microsoft's clouds. Source: learn.microsoft.com, "National cloud authentication endpoints", read
2026-11-30."""
ENTRA: Final = "entra"
OIDC: Final = "oidc"
"""Kinds of identity: the object id in a tenant of Entra, or what another issuer names people by."""
ANY_TENANT = frozenset({"common", "organizations", "consumers"})
CHANGING_HANDS = frozenset(
    {
        "email",
        "name",
        "given_name",
        "family_name",
        "nickname",
        "preferred_username",
        "unique_name",
        "upn",
        "phone_number",
    }
)
"""Claims that people can change, or that somebody else has later."""
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLAIM = r"^[A-Za-z][A-Za-z0-9_:/.-]{0,99}$"


class SignInSettings(Section):
    """The section, checked on its own."""

    issuer: str
    """The issuer identifier, exactly as its tokens have it."""
    client_id: str = Field(min_length=1, max_length=200)
    client_secret: EnvSecret = named("client_secret")
    name: str = Field(default="", max_length=60)
    """What the button says: `Sign in with …`."""
    identity: Literal["entra", "oidc"] = OIDC
    """The kind of identity, among `people[].identities`, that the claim holds."""
    claim: str = Field(default="", pattern=_CLAIM)
    """The claim that names the person."""
    tenant_id: str = ""
    """Of Entra: the only one whose people may come in."""
    teams_tab: bool = False
    """Whether the inbox is a personal tab of Teams, too."""
    scopes: tuple[str, ...] = ("openid", "profile")
    acr_values: tuple[str, ...] = ()
    """What a fresh sign-in must have been done by to count as a proof; empty: anything."""
    clock_skew: Seconds = Field(default=60.0, le=300)
    """How far the issuer's clock may be from ours."""
    timeout: Seconds = Field(default=10.0, le=60)
    """How long one answer of the issuer may take."""

    @model_validator(mode="before")
    @classmethod
    def _of_entra(cls, raw: Any) -> Any:
        """What follows from an issuer that is Microsoft's."""
        if not isinstance(raw, dict) or not isinstance(raw.get("issuer"), str):
            return raw
        parts = urlsplit(raw["issuer"]) if _is_address(raw["issuer"]) else None
        microsoft = parts is not None and parts.hostname in ENTRA_HOSTS
        identity = raw.get("identity") or (ENTRA if microsoft else OIDC)
        found = {**raw, "identity": identity}
        if not raw.get("claim"):
            found["claim"] = "oid" if identity == ENTRA else "sub"
        if not raw.get("name"):
            found["name"] = "Microsoft" if identity == ENTRA else (parts and parts.hostname) or ""
        if identity == ENTRA and not raw.get("tenant_id") and parts is not None:
            found["tenant_id"] = parts.path.strip("/").split("/")[0]
        return found

    @field_validator("issuer")
    @classmethod
    def _is_issuer(cls, value: str) -> str:
        if not _is_address(value):
            raise ValueError("write its https address, like https://login.example.com")
        parts = urlsplit(value)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("must be https: whoever is on the way could sign in as anybody")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("take out what is not part of an issuer: query, fragment, password")
        return value

    @field_validator("claim")
    @classmethod
    def _names_one_person(cls, value: str) -> str:
        if value in CHANGING_HANDS:
            raise ValueError(
                f"{value} may be changed, or be somebody else's later; name a claim that stays "
                "with one person: oid with Entra, sub elsewhere"
            )
        return value

    @field_validator("scopes")
    @classmethod
    def _asks_for_identity(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must contain openid: without it there is no ID token")
        return value

    @model_validator(mode="after")
    def _has_tenant(self) -> SignInSettings:
        if self.identity != ENTRA:
            if self.teams_tab:
                raise ValueError("teams_tab: Teams knows people of Entra only; remove it")
            return self
        if self.tenant_id.lower() in ANY_TENANT:
            raise ValueError(
                f"the issuer is {self.tenant_id}, which lets everybody of every tenant in; write "
                "https://login.microsoftonline.com/YOUR-TENANT-ID/v2.0"
            )
        if not _GUID.fullmatch(self.tenant_id.lower()):
            raise ValueError(
                "tenant_id: write the tenant's id (a GUID); ID tokens name the tenant by it"
            )
        parts = urlsplit(self.issuer)
        if parts.hostname in ENTRA_HOSTS and parts.path != f"/{self.tenant_id}/v2.0":
            raise ValueError(
                "the issuer of this tenant is "
                f"https://{parts.hostname}/{self.tenant_id}/v2.0; write exactly that"
            )
        return self


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        return False
