"""Settings of Entra as a directory: an app registration with application permissions.

`User.Read.All` and `GroupMember.Read.All`, or `Directory.Read.All`. Source: learn.microsoft.com,
"user: delta" and "group: delta", read 2026-11-29.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator

from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.directories import DirectorySection, Groups
from countersign.connectors.secrets import EnvSecret, named

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Tenant = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,254}$")]


class EntraDirectorySettings(DirectorySection):
    """The section `directory.entra`."""

    tenant_id: Tenant
    client_id: str = Field(min_length=1)
    client_secret: EnvSecret = named("client_secret")
    graph_url: str = "https://graph.microsoft.com"
    """Another one in national clouds."""
    login_url: str = "https://login.microsoftonline.com"
    timeout: Seconds = 30.0
    """How long one answer of Graph may take."""

    @field_validator("groups")
    @classmethod
    def _are_object_ids(cls, groups: Groups) -> Groups:
        for name in groups:
            if not _GUID.fullmatch(name.lower()):
                raise ValueError(
                    f"{name}: write the object id of the group; anybody who may make groups can "
                    "make another one of the same name"
                )
        return {name.lower(): grant for name, grant in groups.items()}

    @field_validator("graph_url", "login_url")
    @classmethod
    def _is_site(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or local):
            raise ValueError("write an https address, like https://graph.microsoft.com")
        return f"{parts.scheme}://{parts.netloc}"
