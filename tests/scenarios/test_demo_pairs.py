"""Every workflow of the demo in every channel: each pair is driven to its end, and documented.

What is decided goes round, so that each workflow and each channel sees all three decisions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from countersign.bot.demo.options import DecisionName, FrontName, WorkflowName
from countersign.bot.demo.scenarios import SCENARIOS
from tests.scenarios.test_demo import Shown, Told, checked, in_a_process
from tests.scenarios.test_demo import shown as shown
from tests.scenarios.test_demo import told as told
from tests.scenarios.world import REPOSITORY

WORKFLOWS: tuple[WorkflowName, ...] = get_args(WorkflowName)
CHANNELS: tuple[FrontName, ...] = get_args(FrontName)
DECISIONS: tuple[DecisionName, ...] = get_args(DecisionName)
RAN = {"executed", "executed_with_changes"}
PROGRAMS: list[tuple[WorkflowName, FrontName]] = [
    ("support_reply", "slack"),
    ("renewal", "webhook"),
]
"""Pairs that are also run as a program, as a person runs them."""


def pairs() -> Iterator[tuple[WorkflowName, FrontName, DecisionName]]:
    """All of them, each with one decision."""
    for row, workflow in enumerate(WORKFLOWS):
        for column, via in enumerate(CHANNELS):
            yield workflow, via, DECISIONS[(row + column) % len(DECISIONS)]


@pytest.mark.parametrize(("workflow", "via", "decide"), [*pairs()])
def test_workflow_is_decided_in_the_channel(
    told: Told, workflow: WorkflowName, via: FrontName, decide: DecisionName
) -> None:
    """`told` fails unless the session is completed, something ran, each thing exactly once by the
    back ends' own records, and the ledger verifies."""
    report = told(decide, workflow=workflow, via=via)

    requests, executions = report["requests"], report["executions"]
    statuses = [each["status"] for each in requests]
    assert {via} == {each["via"] for each in requests}
    assert (1 if decide == "reject" else 0) == statuses.count("rejected")
    ran = {each["id"]: each["arguments"] for each in requests if each["status"] == "executed"}
    assert sorted(ran) == sorted(each["request_id"] for each in executions)
    assert RAN >= {each["outcome"] for each in executions}
    changed = [each for each in executions if each["outcome"] == "executed_with_changes"]
    assert (decide == "modify") is bool(changed)


@pytest.mark.parametrize(("workflow", "via"), PROGRAMS)
def test_pair_works_as_a_program(tmp_path: Path, workflow: WorkflowName, via: FrontName) -> None:
    done = in_a_process(tmp_path, "--workflow", workflow, "--via", via, "--json")

    assert (0, "") == (done.returncode, done.stderr)
    report = checked(json.loads(done.stdout))
    assert {via} == {each["via"] for each in report["requests"]}


def test_what_a_program_is_told_can_be_read_in_the_terminal(shown: Shown) -> None:
    story = " ".join(shown("modify", workflow="cpq_quote", via="webhook").split())

    for part in (
        "what the program that Alex Wilber uses was told",
        "changes it in that program, which brings it back signed",
        "POST /api/webhooks/decisions answered:",
        "is executed",
    ):
        assert part in story, part


def test_every_scenario_can_be_chosen() -> None:
    assert set(WORKFLOWS) == set(SCENARIOS)


def test_documented_table_is_that_of_the_code() -> None:
    """docs/uses.md: a row for each workflow with what asks and where it may be decided."""
    table = [
        "| `--workflow` | asked | " + " | ".join(f"`{via}`" for via in CHANNELS) + " |",
        "| --- | --- |" + " :-: |" * len(CHANNELS),
    ]
    for workflow in WORKFLOWS:
        task, ticks = SCENARIOS[workflow].task, " ✓ |" * len(CHANNELS)
        table.append(f"| `{workflow}` | {task} |{ticks}")

    assert "\n".join(table) in (REPOSITORY / "docs/uses.md").read_text(encoding="utf-8")
