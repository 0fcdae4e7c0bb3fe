"""`countersign policy simulate`: new rules on what is on record."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import Verdict
from countersign.approvals.rules.budgets.charges import Used
from countersign.approvals.rules.conditions.facts import Situation
from countersign.approvals.rules.policy import Policy
from countersign.approvals.rules.simulation.recorded import Heard
from countersign.approvals.rules.simulation.tally import Tally
from countersign.approvals.store import history
from countersign.bot.policy.simulation import told
from countersign.bot.policy.simulation.report import MOST_BARS, by_days, page
from countersign.bot.policy.simulation.run import Simulation, roles_in
from countersign.bot.policy.simulation.work_file import work_file
from tests.approvals.rules.simulation.calls import ASKS, NOON, recorded, tallied
from tests.bot.cli.conftest import Cli, cli  # noqa: F401
from tests.doubles.directory import BEN, FakeDirectory
from tests.doubles.world import World, opened

SMALL = {"id": "small", "tool": "quote", "when": "args.amount < 50", "effect": "allow"}
NEW = {"rules": [SMALL, {"id": "rest", "tool": "quote", **ASKS}], "tools": {"look": "allow"}}
BUDGET = {"tool": "pay", "window": "2h", "count": {"hard": 2}}


def simulation(world: World, new: dict[str, Any]) -> Simulation:
    now = world.clock.now()
    span = history.Span(now - timedelta(days=300), now + timedelta(days=300))
    return Simulation(world.policy, Policy.load(new), roles_in(FakeDirectory()), span)


async def history_of(world: World) -> None:
    for number in range(6):
        run = await world.begun()
        proposal = world.proposal(run.session.id, "quote", {"amount": 20 * number})
        (request,) = await world.submit(run, proposal)
        verdict = Verdict.REJECT if number == 1 else Verdict.APPROVE
        await world.vote(request, BEN, verdict)
        world.clock.advance(60)
    await world.asked("look", "drop")


async def test_both_policies_are_asked_about_all_that_is_on_record(tmp_path: Path) -> None:
    async with opened(tmp_path) as world:
        await history_of(world)
        with work_file(None) as work:
            heard: list[int] = []
            tally = await simulation(world, NEW).run(world.store, work, heard.append)

    assert [0, 8] == heard
    assert {
        "require_approval>allow": 3,
        "require_approval>require_approval": 3,
        "allow>allow": 1,
        "deny>deny": 1,
    } == tally.effects
    assert {"rejected": 1} == tally.would_run


async def test_a_run_that_was_stopped_goes_on_and_counts_nothing_twice(
    tmp_path: Path,
) -> None:
    budget = {**NEW, "budgets": {"few": {"tool": "quote", "window": "7d", "count": {"hard": 2}}}}
    new, state = {**budget, "rules": [{**SMALL, "when": "args.amount < 5000"}]}, tmp_path / "work"

    def stop(calls: int) -> None:
        if calls >= 4:
            raise KeyboardInterrupt

    async with opened(tmp_path) as world:
        await history_of(world)
        run = replace(simulation(world, new), batch=2).run
        with work_file(None) as work:
            whole = await run(world.store, work, lambda _: None)
        with pytest.raises(KeyboardInterrupt), work_file(state) as work:
            await run(world.store, work, stop)
        with work_file(state) as work:
            heard: list[int] = []
            again = await run(world.store, work, heard.append)

    assert 4 == heard[0]
    assert whole.body() == again.body()
    assert {"few>hard": 4} == whole.budgets["after"]


@pytest.mark.parametrize("window", ["2h", "day"])
def test_accounts_in_a_file_are_those_of_the_window(tmp_path: Path, window: str) -> None:
    zone = {"zone": "UTC"} if window == "day" else {}
    value = {"amount": "args.amount", "currency": "EUR", "hard": 1000}
    policy = Policy.load(
        {
            "tools": {"pay": "allow"},
            "budgets": {"b": {**BUDGET, "window": window, "value": value, **zone}},
        }
    )
    call = recorded(1, arguments={"amount": 0.1, "currency": "EUR"}).call
    here = Situation(workflow="sales", requester="anna", roles=frozenset(), at=NOON)
    (charge,) = policy.charges(call, here)
    later = NOON + timedelta(hours=1)
    with work_file(tmp_path / "w") as work:
        uses, other = work.uses("after"), work.uses("before")
        empty = uses.used(charge, NOON)
        uses.draw(charge, NOON)
        uses.draw(charge, later)
        both = uses.used(charge, later)
        rolled = uses.used(charge, NOON + timedelta(hours=2, seconds=1))
        over = uses.used(charge, NOON + timedelta(days=2))
        again = uses.used(charge, NOON + timedelta(days=2))

        assert Used() == other.used(charge, later)
    assert (Used(), 2, "0.2") == (empty, both.count, str(both.amount))
    assert (1 if window == "2h" else 2) == rolled.count
    assert (0, "0") == (over.count, str(over.amount))
    assert over == again


def test_a_file_of_another_run_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with work_file(path) as work:
        work.belongs_to({"--since": "30d", "new policy": "a"}, path).keep(place=["x", "y"])
        work.belongs_to({"--since": "30d", "new policy": "a"}, path)
        with pytest.raises(InvalidError, match=r"another new policy.*--state, or remove it"):
            work.belongs_to({"--since": "30d", "new policy": "b"}, path)

        assert ["x", "y"] == work.get("place")


@pytest.mark.parametrize("kind", ["text", "other", "folder"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "w"
    if kind == "text":
        path.write_text("no database, but long enough to be taken for one" * 50)
    elif kind == "folder":
        path.mkdir()
    else:
        with work_file(path) as work:
            work.keep(format="of-tomorrow", run={})

    with pytest.raises(InvalidError, match=r"cannot be used|another version"), work_file(path):
        raise AssertionError("it was opened")


def test_bars_are_of_one_length_and_leave_no_day_out() -> None:
    tally = Tally({})
    tally.days["before"].update({"2026-01-01": 2, "2026-07-01": 3})
    tally.days["after"].update({"2026-03-01": 1})
    bars = by_days(tally)

    assert [] == by_days(Tally({}))
    assert len(bars) <= MOST_BARS
    assert (date(2026, 1, 1), 2, 0) == bars[0]
    assert (5, 1) == (sum(bar.before for bar in bars), sum(bar.after for bar in bars))


async def test_the_report_names_what_matters_and_escapes_what_is_theirs(tmp_path: Path) -> None:
    asked, allowed = {"tools": {"pay": ASKS}}, {"tools": {"pay": "allow"}}
    evil = recorded(1, Heard.REJECTED, by="<b>Ben</b>", arguments={"to": "<script>x</script>"})
    async with opened(tmp_path) as world:
        plan = simulation(world, NEW)
    html = page(plan, tallied(asked, allowed, evil, recorded(2)))
    empty = page(plan, tallied(asked, allowed))

    assert "1 call that a person was against would run" in html
    assert "&lt;b&gt;Ben&lt;/b&gt;" in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    assert "There are no calls in this time" in empty


async def test_the_terminal_says_what_changes_in_whole_sentences(tmp_path: Path) -> None:
    slow = {**ASKS, "roles": ["boss"], "deadline": "5h", "remind": ["1h"]}
    budget = {"tool": "pay", "window": "day", "zone": "UTC", "count": {"hard": 2}}
    new = {"tools": {"pay": slow, "ship": "allow"}, "budgets": {"two": budget}}
    old = {"tools": {"pay": ASKS, "ship": ASKS}}
    calls = [recorded(n, waited_h=2) for n in (1, 2, 3)]
    calls += [recorded(4, Heard.REJECTED, "ship"), recorded(5, Heard.EXPIRED, "ship")]
    calls += [recorded(6, Heard.CHANGED, "ship", by="Cara")]
    tally = tallied(old, new, *calls)
    async with opened(tmp_path) as world:
        plan = simulation(world, new)
    lines = list(told.lines(plan, tally))

    assert [
        "people are asked 2 times instead of 6",
        "  3 calls: runs without asking, now: people are asked",
        "  1 call: denied, now: people are asked",
        "no longer asked about: 3",
        "  1 rejected by people: Ben 1",
        "  1 never answered in time",
        "  1 approved with other arguments: Cara 1",
        "votes boss: 2 instead of 0",
        "votes manager: 0 instead of 6",
        "budget two past hard: 1 instead of 0",
        "of 2 calls that people had answered and would be asked about: 2 reminded, 0 escalated, "
        "0 expired before their answer",
    ] == lines[1:]
    both = told.body(plan, tallied({"tools": {"ship": "allow"}}, new, *calls))
    assert 1 == both["would_run_against_people"]["by_the_present_policy_too"]
    assert any("run by the present policy, too" in each for each in told.warnings(
        tallied({"tools": {"ship": "allow"}}, new, *calls)
    ))  # fmt: skip


@pytest.fixture
def shipped(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:  # noqa: F811
    """The commands on a database with history, and new rules in new.yaml beside it."""

    async def make() -> None:
        async with opened(tmp_path) as world:
            await history_of(world)

    asyncio.run(make())
    (path,) = tmp_path.glob("*.db")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{path}")
    (tmp_path / "new.yaml").write_text(json.dumps({"policy": {"tools": {"quote": "allow"}}}))
    return cli


SINCE = ("--since", "2020-01-01", "--until", "2040-01-01")


def test_the_command_says_what_would_change_and_fails_for_a_no_that_would_run(
    shipped: Cli, tmp_path: Path
) -> None:
    said = shipped("policy", "simulate", "new.yaml", *SINCE, "--report", "r.html")

    assert said.status == 1
    assert "8 calls from 2020-01-01 00:00 UTC to 2040-01-01 00:00 UTC" in said.out
    assert "1 call that a person was against would run" in said.out
    assert "rejected by people: Ben" in said.out
    assert "would run</h2>" in (tmp_path / "r.html").read_text()


def test_the_command_goes_on_in_its_state_file_and_prints_json(shipped: Cli) -> None:
    (Path("safe.yaml")).write_text(json.dumps({"tools": {"quote": "deny"}}))
    first = shipped("policy", "simulate", "safe.yaml", *SINCE, "--state", "w", "--json")
    again = shipped("policy", "simulate", "safe.yaml", *SINCE, "--state", "w", "--json")
    other = shipped("policy", "simulate", "new.yaml", *SINCE, "--state", "w")

    assert (0, 0, 1) == (first.status, again.status, other.status)
    found = json.loads(first.out)
    assert found == json.loads(again.out)
    assert ("countersign-simulation-1", 8) == (found["format"], found["calls"])
    assert 0 == found["would_run_against_people"]["calls"]
    assert "another new policy" in other.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new.yaml", "--since", "yesterday"), "--since yesterday: is no time; write a duration"),
        (("new.yaml", "--since", "2030-01-01", "--until", "2029-01-01"), "is not before the end"),
        (("new.yaml", "--until", "soon"), "--until soon: is no time"),
        (("none.yaml",), "none.yaml: cannot be read"),
        (("bad.yaml",), "bad.yaml: "),
        (("new.yaml", *SINCE, "--report", "no/r.html"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(shipped: Cli, arguments: tuple[str, ...], words: str) -> None:
    Path("bad.yaml").write_text(json.dumps({"tools": {"quote": "perhaps"}}))
    said = shipped("policy", "simulate", *arguments)

    assert said.status == 1
    assert words in said.err


def test_a_database_without_calls_says_so(shipped: Cli) -> None:
    said = shipped(
        "policy", "simulate", "new.yaml", "--since", "2020-01-01", "--until", "2020-02-01"
    )

    assert said.status == 0
    assert said.out.startswith("0 calls from 2020-01-01")


def test_looking_at_rules_warns_of_no_key_of_a_model(
    cli: Cli,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("COUNTERSIGN_ENV")  # in local mode a scripted model has an address
    said = cli("policy", "check")

    assert "release_quote" in said.out
    assert "API key" not in said.out + said.err + caplog.text
