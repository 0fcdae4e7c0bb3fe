"""A service on the net that knows schedules, as those of each vendor ask it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from countersign.approvals.backoff import retry_after
from countersign.approvals.errors import NotFoundError, UnavailableError
from countersign.approvals.outages import named


@dataclass(frozen=True)
class ScheduleService:
    """One schedule of it, and what people call the service."""

    client: httpx.AsyncClient
    words: str
    schedule_id: str
    refused: str
    """What to do where it refuses the token, as the rest of a sentence."""

    async def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        """The object that is there.

        Raises NotFoundError (no such schedule) or UnavailableError, with the seconds that it wants
        to be left alone.
        """
        try:
            answer = await self.client.get(path, params=query)
        except httpx.HTTPError as exc:
            raise UnavailableError(f"{self.words} cannot be reached ({named(exc)}).") from exc
        if answer.status_code == 404:
            raise NotFoundError(f"{self.words} has no schedule {self.schedule_id}.")
        if answer.status_code in (401, 403):
            raise UnavailableError(f"{self.words} refuses the token of {self.refused}.")
        if answer.status_code != 200:
            raise UnavailableError(
                f"{self.words} answers {answer.status_code} for the schedule {self.schedule_id}.",
                retry_after_s=_asked_s(answer),
            )
        try:
            found = answer.json()
        except ValueError as exc:
            raise UnavailableError(f"{self.words} gave no JSON.") from exc
        if not isinstance(found, dict):
            raise UnavailableError(f"{self.words} gave no object.")
        return found


def moment_of(value: Any, words: str) -> datetime:
    """A time that a service has told, in UTC. Raises UnavailableError."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as exc:
        raise UnavailableError(f"{words} gave a time that is none.") from exc
    if found.tzinfo is None:
        raise UnavailableError(f"{words} gave a time without its zone.")
    return found.astimezone(UTC)


def _asked_s(answer: httpx.Response) -> float | None:
    """How long it wants to be left alone; PagerDuty says so in `ratelimit-reset`."""
    reset = answer.headers.get("ratelimit-reset", "")
    return float(reset) if reset.isdecimal() else retry_after(answer.headers)
