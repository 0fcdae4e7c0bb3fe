"""What the provisioning system takes."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_NAME = Field(min_length=1, max_length=63)
_TEXT = Field(min_length=1, max_length=1000)


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ResourceInput(_Input):
    """Body of `POST /resources`."""

    kind: str = _NAME
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    environment: str = _NAME
    size: int = Field(ge=1)
    unit: str = _NAME
    region: str = _NAME
    owner_team: str = _NAME
    monthly_cost_eur: float = Field(ge=0)
    """The most that it may cost."""
    window: str = _TEXT
    rollback: str = _TEXT


class RuleInput(_Input):
    """Body of `POST /firewall-rules`."""

    source: str = _NAME
    target: str = _NAME
    port: int = Field(ge=1, le=65535)
    protocol: str = Field(pattern="^(tcp|udp)$")
    environment: str = _NAME
    owner_team: str = _NAME
    window: str = _TEXT
    rollback: str = _TEXT


class IncidentInput(_Input):
    """Body of `POST /incidents`."""

    summary: str = Field(min_length=1, max_length=200)
    details: str = Field(min_length=1, max_length=10_000)
