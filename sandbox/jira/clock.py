"""The site's own clock, and the forms in which it writes a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo


class SiteClock:
    """Time as the site sees it: `offset_s` away from ours, never backwards, to the millisecond."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The site's time."""
        now = datetime.now(UTC) + timedelta(seconds=self.offset_s)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def stamp(self) -> datetime:
        """A time for something that happens now: later than the stamp before it."""
        self._last = max(self.now(), self._last + timedelta(milliseconds=1))
        return self._last

    def set_offset(self, offset_s: float) -> None:
        """Move the clock; it may go back, as an administrator's correction does."""
        self.offset_s = offset_s
        self._last = datetime.min.replace(tzinfo=UTC)


def jira_time(at: datetime, time_zone: str = "Etc/UTC") -> str:
    """`2026-11-25T10:11:12.345+0000`, in the zone of the user who reads it."""
    local = at.astimezone(ZoneInfo(time_zone))
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def service_date(at: datetime, time_zone: str = "Etc/UTC") -> dict[str, Any]:
    """DateDTO of the service management API.

    Source: https://developer.atlassian.com/cloud/jira/service-desk/rest/ (read 2026-11-25).
    """
    local = at.astimezone(ZoneInfo(time_zone))
    return {
        "iso8601": f"{local:%Y-%m-%dT%H:%M:%S%z}",
        "jira": jira_time(at, time_zone),
        "friendly": f"{local:%d/%b/%y %I:%M %p}",
        "epochMillis": epoch_ms(at),
    }
