"""docs/operations.md and the alerts name the metrics that there are, and no other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from countersign.bot.observability.backlog import State
from countersign.bot.observability.metrics import Metrics
from tests.doubles.world import THREAD, opened

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.md").read_text("utf-8")
ALERTS: Any = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text("utf-8"))
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]


async def metric_names(tmp_path: Path) -> Mapping[str, frozenset[str]]:
    """Every metric that a server shows."""

    async def ready() -> dict[str, str]:
        return {"jobs": "ok"}

    async with opened(tmp_path) as world:
        await world.submit(await world.begun(THREAD), "quote")
        state = State(world.store, world.clock, ready)
        await state.refresh()
        return Metrics(state).names()


async def test_every_metric_in_an_alert_exists(tmp_path: Path) -> None:
    names = await metric_names(tmp_path)
    known = {sample for samples in names.values() for sample in samples}
    asked = {name for rule in RULES for name in re.findall(r"countersign_\w+", rule["expr"])}

    assert len(asked) > 10
    assert set() == asked - known


async def test_the_guide_explains_every_metric_and_no_other(tmp_path: Path) -> None:
    names = await metric_names(tmp_path)
    shown = {name for samples in names.values() for name in samples} | set(names)
    told = set(re.findall(r"`(countersign_\w+)`", GUIDE))

    assert set() == {name for name, samples in names.items() if not told & ({name} | samples)}
    assert set() == told - shown


def test_the_guide_says_what_to_do_for_every_alert_and_no_other() -> None:
    alerts = {rule["alert"] for rule in RULES}
    section = GUIDE.partition("\n## Alerts")[2].partition("\n## ")[0]
    headings = ", ".join(re.findall(r"^\*\*(Countersign[\w, ]+)\.\*\*", section, re.M))

    assert alerts == set(headings.split(", "))


def test_every_alert_says_how_bad_it_is_and_what_is_the_matter() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
