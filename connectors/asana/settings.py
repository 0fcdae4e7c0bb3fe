"""Settings of a project in Asana: where it is, who we are there, and which fields are ours."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from countersign.approvals.rules.durations import Seconds
from countersign.connectors.secrets import EnvSecret, named
from countersign.connectors.ticketing.settings import TicketSettings, site

EXAMPLE = "https://app.asana.com"
SITE_ONLY = f"give the site only, such as {EXAMPLE}"


def _as_text(value: Any) -> Any:
    """YAML makes numbers of gids."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Gid = Annotated[str, BeforeValidator(_as_text), Field(pattern=r"^[0-9]{1,32}$")]
"""Asana's own id of anything: digits, and never a name."""


class AsanaSettings(TicketSettings):
    """The section `connectors.asana`."""

    url: str = EXAMPLE
    token: EnvSecret = named("token")
    """A personal access token, or that of a service account."""
    account: Gid
    """Whose token that is: what this account answers does not count."""
    project: Gid
    """In which the tasks are made."""
    order_field: Gid
    """A custom field of text in that project; it holds the key of the request, and nobody else
    writes into it."""
    changes_field: Gid | None = None
    """A custom field of text for changes to the arguments; without one they stand in comments."""
    overlap: Seconds = 172_800.0
    """How long ago a task may have been answered for a full reading to see it without being told
    its id; older ones that we still wait for are read one by one."""

    @field_validator("url")
    @classmethod
    def _is_site(cls, value: str) -> str:
        parts = site(value, like=EXAMPLE, instead=SITE_ONLY)
        if parts.path.strip("/"):
            raise ValueError(SITE_ONLY)
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _two_fields(self) -> Self:
        if self.changes_field == self.order_field:
            raise ValueError("order_field and changes_field are one field; give each its own")
        return self
