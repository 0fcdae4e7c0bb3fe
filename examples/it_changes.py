"""The two changes that IT makes: a new resource, and an open port."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    environment: str
    owner_team: str
    window: str
    rollback: str


class NewResource(_Change):
    """The arguments of `provision`."""

    kind: str
    name: str
    size: int
    unit: str
    region: str
    monthly_cost_eur: float


class OpenPort(_Change):
    """The arguments of `change_firewall`."""

    source: str
    target: str
    port: int
    protocol: str


Change = NewResource | OpenPort


class Offer(BaseModel):
    """What the catalogue says about a kind of resource."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: str
    unit: str
    eur_per_unit_month: float

    def monthly_cost_eur(self, size: int) -> float:
        """What so much of it costs a month."""
        return round(size * self.eur_per_unit_month, 2)


class Resource(BaseModel):
    """What is known of something that exists."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    kind: str
    environment: str
    owner_team: str
