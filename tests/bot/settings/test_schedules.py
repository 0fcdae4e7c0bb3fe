"""On-call schedules in the configuration: each problem is said with its path and what to write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countersign.bot.directories import schedule_sources
from countersign.connectors.on_call.jsm import JsmSchedule
from countersign.connectors.on_call.pagerduty import PagerDutySchedule
from countersign.connectors.on_call.source import CalendarSchedule
from tests.bot.settings.test_settings import ENVIRON, good, load, problems
from tests.doubles.clock import ManualClock

CALENDAR = {"ics": "rota.ics", "zone": "Europe/Berlin"}


OPS = "f8f2a4ec-54b2-4513-865b-8cb3b81c9544"


def document(*, on_call: Any = "payments", **directory: Any) -> dict[str, Any]:
    found = good()
    rule = found["policy"]["tools"]["send"]
    rule.pop("roles")
    rule["stages"] = [{"on_call": on_call}]
    found["directory"] = {"schedules": {"payments": CALENDAR}, **directory}
    return found


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRON, "PD_TOKEN", "s3cret")
    monkeypatch.setitem(ENVIRON, "ROTA_URL", "webcal://calendar.example/s3cret/rota.ics")


async def test_schedules_are_read_from_where_they_say(tmp_path: Path) -> None:
    schedules = {
        "payments": {**CALENDAR, "people": {"Dana Ito": "alex"}, "otherwise": "manager"},
        "hidden": {"ics_url_env": "ROTA_URL"},
        "checkout": {"pagerduty": "PI7DH85"},
        "ops": {"jsm": OPS},
    }
    jsm = {"token_env": "PD_TOKEN", "cloud_id": OPS, "email": "ops@example.com"}
    accounts = {"pagerduty": {"token_env": "PD_TOKEN"}, "jsm": jsm}
    settings = load(
        tmp_path,
        document(on_call=["payments", "checkout"], pagerduty={"token_env": "PD_TOKEN"})
        | {"directory": {"schedules": schedules, **accounts}},
    )
    directory = settings.directory
    assert directory is not None
    first = next(each for each in directory.rotas() if each.name == "payments")
    sources = schedule_sources(directory, ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))
    for each in sources:
        await each.close()

    assert {
        "on_call.payments": CalendarSchedule,
        "on_call.hidden": CalendarSchedule,
        "on_call.checkout": PagerDutySchedule,
        "on_call.ops": JsmSchedule,
    } == {each.name: type(each) for each in sources}
    assert {each.name for each in sources} == set(directory.sources())
    assert ["ops"] == [each.name for each in directory.rotas() if each.identity == "jira"]
    assert ("Europe/Berlin", frozenset({"manager"}), {"dana ito": "alex"}) == (
        first.zone,
        first.otherwise,
        first.people,
    )
    hidden = directory.schedules["hidden"]
    assert "https://calendar.example/s3cret/rota.ics" == hidden.address
    assert "" == directory.schedules["payments"].address
    assert "s3cret" not in repr(directory)
    assert [] == schedule_sources(directory.model_copy(update={"schedules": {}}), ManualClock())


def test_another_calendar_is_read_anew(tmp_path: Path) -> None:
    def fingerprint(**directory: Any) -> str:
        settings = load(tmp_path, document(**directory)).directory
        assert settings is not None
        return settings.fingerprint()

    one = fingerprint()

    assert one == fingerprint()
    assert one != fingerprint(schedules={"payments": {"ics": "other.ics"}})


def schedule(**values: Any) -> dict[str, Any]:
    return {"schedules": {"payments": values}}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"on_call": "paymnts"},
            "policy.tools.send.stages.0.on_call: there is no schedule paymnts; did you mean",
        ),
        ({"on_call": "zebra"}, "there is no schedule zebra; add it to directory.schedules."),
        (schedule(ics="a", pagerduty="P1"), "write one of ics, ics_url_env, pagerduty, jsm"),
        (schedule(zone="UTC"), "write one of ics, ics_url_env, pagerduty, jsm"),
        (schedule(ics="http://calendar.example/x"), "fetched from an https address"),
        (schedule(pagerduty="P1"), "schedules.payments is read from PagerDuty; add directory.p"),
        (schedule(jsm=OPS), "schedules.payments is read from Jira's operations; add directory.jsm"),
        (schedule(jsm="payments"), "directory.schedules.payments.jsm"),
        (
            {"jsm": {"token_env": "PD_TOKEN", "cloud_id": OPS, "url": "http://x.example"}},
            "https address",
        ),
        (schedule(ics="a", zone="Berlin"), "directory.schedules.payments.zone"),
        (
            schedule(ics="a", people={"Dana": "alx"}),
            "payments.people.Dana: there is nobody alx; did",
        ),
        (schedule(ics="a", people={"Dana": "zzzz"}), "nobody zzzz; write an id of `people`."),
        (
            schedule(ics="a", otherwise="managr"),
            "otherwise: nobody has the role managr; did you mean",
        ),
        (schedule(ics="a", otherwise="zebra"), "nobody has the role zebra; give it to somebody."),
        ({"pagerduty": {"token_env": "PD_TOKEN", "url": "http://x.example"}}, "https address"),
        ({"schedules": {"Payments!": CALENDAR}}, "directory.schedules.Payments!"),
        ({"schedules": {}}, "name at least one of entra, jira, servicenow, schedules"),
    ],
)
def test_each_problem_is_named(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    found = problems(tmp_path, document(**changed))

    assert says in found


def test_the_short_form_names_its_place_and_holds(tmp_path: Path) -> None:
    written = document()
    tool = written["policy"]["tools"]["send"]
    for key in ("stages", "roles"):
        tool.pop(key, None)
    tool["on_call"] = "paymnts"
    found = problems(tmp_path, written)
    tool["on_call"] = "payments"

    assert (
        "policy.tools.send.on_call: there is no schedule paymnts; did you mean payments?" in found
    )
    policy = load(tmp_path, written).policy
    assert policy is not None
    assert ("payments",) == policy.tools["send"].tiers()[0].on_call
