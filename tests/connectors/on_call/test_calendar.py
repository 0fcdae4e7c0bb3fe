"""Calendars of every kind that people keep a rota in: time zones, recurrence, exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import KnownShift
from countersign.connectors.on_call import calendar as reading
from countersign.connectors.on_call import source
from countersign.connectors.on_call.calendar import shifts_of
from countersign.connectors.on_call.settings import ScheduleSection
from countersign.connectors.on_call.source import CalendarSchedule
from countersign.sandbox._serve import LOOPBACK, serve
from tests.doubles.clock import ManualClock

SINCE, UNTIL = datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 4, 13, tzinfo=UTC)
BERLIN = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
"""
WEEKLY = """BEGIN:VEVENT
UID:weekly
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260309T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
EXDATE;TZID=Europe/Berlin:20260413T090000
SUMMARY:ana@example.com
END:VEVENT
BEGIN:VEVENT
UID:weekly
RECURRENCE-ID;TZID=Europe/Berlin:20260330T090000
DTSTART;TZID=Europe/Berlin:20260331T090000
DTEND;TZID=Europe/Berlin:20260406T090000
SUMMARY:bo@example.com
END:VEVENT
"""


def ics(*events: str, zone: str = BERLIN) -> bytes:
    text = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//rota//EN\n{zone}{''.join(events)}END:VCALENDAR\n"
    )
    return text.replace("\n", "\r\n").encode()


def event(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", "UID:one", *lines, "END:VEVENT", ""])


def found(text: bytes, zone: str = "Europe/Berlin") -> Sequence[KnownShift]:
    return shifts_of(text, zone, SINCE, UNTIL)


def told(text: bytes, zone: str = "Europe/Berlin") -> list[str]:
    return [
        f"{s.person} {s.starts_at:%m-%dT%H:%M} {s.ends_at:%m-%dT%H:%M}" for s in found(text, zone)
    ]


def test_a_rota_by_the_week_changes_at_the_same_hour_when_clocks_are_put_forward() -> None:
    """Berlin is an hour further from UTC from 29 March on; one shift was moved, one is left out."""
    assert [
        "ana@example.com 03-16T08:00 03-23T08:00",
        "bo@example.com 03-31T07:00 04-06T07:00",
    ] == told(ics(WEEKLY))


def test_the_night_in_which_an_hour_is_missing_is_an_hour_shorter() -> None:
    night = event(
        "DTSTART;TZID=Europe/Berlin:20260328T200000",
        "DTEND;TZID=Europe/Berlin:20260329T080000",
        "SUMMARY:Night",
    )
    (shift,) = found(ics(night))

    assert timedelta(hours=11) == shift.ends_at - shift.starts_at


@pytest.mark.parametrize(
    ("lines", "zone", "expected"),
    [
        (
            ("DTSTART;VALUE=DATE:20260320", "DTEND;VALUE=DATE:20260321"),
            "Europe/Berlin",
            "19T23:00 03-20T23:00",
        ),
        (("DTSTART:20260320T090000", "DURATION:PT8H"), "America/New_York", "20T13:00 03-20T21:00"),
        (
            ("DTSTART:20260320T090000Z", "DTEND:20260320T170000Z"),
            "Asia/Tokyo",
            "20T09:00 03-20T17:00",
        ),
        (("DTSTART:20260315T090000Z", "DTEND:20260317T090000Z"), "UTC", "15T09:00 03-17T09:00"),
    ],
    ids=["days", "floating", "utc", "begun before"],
)
def test_times_without_a_zone_are_meant_in_that_of_the_schedule(
    lines: tuple[str, ...], zone: str, expected: str
) -> None:
    assert [f"Kim 03-{expected}"] == told(ics(event(*lines, "SUMMARY:Kim"), zone=""), zone)


def test_people_are_those_who_are_invited_or_else_whom_the_title_names() -> None:
    times = ("DTSTART:20260320T090000Z", "DTEND:20260320T170000Z")
    invited = event(
        *times,
        "SUMMARY:Payments",
        'ATTENDEE;CN="Ana Li":mailto:ana@example.com',
        "ATTENDEE:MAILTO:bo@example.com",
        "ATTENDEE;PARTSTAT=DECLINED:mailto:no@example.com",
        "ATTENDEE;CUTYPE=ROOM:mailto:room@example.com",
    )
    one = event(*times, "SUMMARY:On call", "ATTENDEE;CN=Cy:mailto:cy@example.com")
    titled = event(*times, "SUMMARY:On call: Dee (dee@example.com)")
    nobody = event(*times)
    gone = event(*times, "SUMMARY:Eve", "STATUS:CANCELLED")
    short = event("DTSTART:20260320T090000Z", "DTEND:20260320T090000Z", "SUMMARY:Fay")

    assert [("ana@example.com", "Ana Li"), ("bo@example.com", "bo@example.com")] == sorted(
        (s.email, s.name) for s in found(ics(invited))
    )
    assert ["Cy"] == [s.name for s in found(ics(one))]
    assert [("On call: Dee (dee@example.com)", "dee@example.com")] == [
        (s.person, s.email) for s in found(ics(titled))
    ]
    assert [[], [], []] == [found(ics(each)) for each in (nobody, gone, short)]


@pytest.mark.parametrize(
    "text",
    [
        b"<html>Sign in</html>",
        b"",
        ics(event("DTSTART:soon", "SUMMARY:x")),
        ics(event("DTSTART:20260320T090000Z", "RRULE:FREQ=SECONDLY", "SUMMARY:x")),
        ics(event("DTSTART:20260320T090000Z", "RRULE:FREQ=DAILY;BYMINUTE=1,2", "SUMMARY:x")),
    ],
    ids=["page", "nothing", "no time", "each second", "some minutes"],
)
def test_what_is_no_rota_is_refused(text: bytes) -> None:
    with pytest.raises(UnavailableError):
        found(text)


def test_more_shifts_than_a_rota_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SHIFTS", 1)
    with pytest.raises(UnavailableError, match="more than 1 shifts"):
        found(ics(WEEKLY))


def schedule(**section: object) -> CalendarSchedule:
    clock = ManualClock(datetime(2026, 3, 20, tzinfo=UTC))
    values = {"zone": "Europe/Berlin", "timeout": "5s", **section}
    return CalendarSchedule("payments", ScheduleSection.model_validate(values), clock)


async def read(of: CalendarSchedule) -> list[KnownShift]:
    try:
        return [shift async for page in of.read(None) for shift in page.shifts]
    finally:
        await of.close()


async def test_a_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rota.ics"
    with pytest.raises(UnavailableError, match="cannot be read"):
        await read(schedule(ics=str(path)))
    path.write_bytes(ics(WEEKLY))
    of = schedule(ics=str(path))
    (checked,) = await of.check()

    assert checked.ok
    assert "has 3 shifts; on call now: ana@example.com" == checked.said
    assert 3 == len(await read(of))

    path.write_bytes(ics())
    (checked,) = await schedule(ics=str(path)).check()

    assert (False, "has 0 shifts; on call now: nobody") == (checked.ok, checked.said)

    monkeypatch.setattr(source, "MOST_BYTES", 10)
    with pytest.raises(UnavailableError, match="more than 10 bytes"):
        await read(schedule(ics=str(path)))


async def test_an_address_is_fetched_and_never_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": "/s3cret"})
        if request.path == "/busy":
            return web.Response(status=429, headers={"Retry-After": "7"})
        return web.Response(body=ics(WEEKLY))

    app = web.Application()
    app.add_routes([web.get("/{tail:.*}", answer)])
    async with serve(app, host=LOOPBACK, port=0) as url:
        assert 3 == len(await read(schedule(ics=f"{url}/s3cret")))

        with pytest.raises(UnavailableError, match="leads elsewhere"):
            await read(schedule(ics=f"{url}/moved"))
        with pytest.raises(UnavailableError, match="answers 429") as busy:
            await read(schedule(ics=f"{url}/busy"))
        monkeypatch.setattr(source, "MOST_BYTES", 100)
        with pytest.raises(UnavailableError, match="more than 100 bytes"):
            await read(schedule(ics=f"{url}/s3cret"))
    with pytest.raises(UnavailableError, match="cannot be fetched") as away:
        await read(schedule(ics=f"{url}/s3cret"))

    assert 7.0 == busy.value.retry_after_s
    assert "s3cret" not in str(away.value)
