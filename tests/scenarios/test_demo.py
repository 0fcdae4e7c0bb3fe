"""`countersign demo`, as a person or a script runs it: from anywhere, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TIMEOUT_S = 110


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COUNTERSIGN_")}
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", *arguments],
        cwd=folder,
        env={
            **environment,
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "HTTP_PROXY": "http://127.0.0.1:9",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def told(folder: Path, *arguments: str) -> dict[str, Any]:
    done = demo(folder, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert set(report) == {"session", "requests", "executions", "ledger"}
    assert report["session"]["status"] == "completed"
    assert report["ledger"]["verified"] is True
    for request in report["requests"]:
        assert set(request) == {
            "id", "tool", "arguments", "digest", "status", "decided_by", "via",
        }  # fmt: skip
        assert request["decided_by"] == "alex"
    for execution in report["executions"]:
        assert set(execution) == {"request_id", "tool", "arguments", "outcome"}
    return report


def test_approve_runs_what_was_proposed(tmp_path: Path) -> None:
    report = told(tmp_path, "--decide", "approve")

    (request,), (execution,) = report["requests"], report["executions"]
    assert (request["status"], request["via"]) == ("executed", "teams")
    assert execution["request_id"] == request["id"]
    assert execution["arguments"] == request["arguments"]
    assert list(tmp_path.iterdir()) == []


def test_modify_changes_what_the_back_end_receives(tmp_path: Path) -> None:
    (request,) = (modified := told(tmp_path, "--decide", "modify"))["requests"]

    (execution,) = modified["executions"]
    assert execution["outcome"] == "executed_with_changes"
    assert execution["arguments"]["amount"] == request["arguments"]["amount"] == 27000


def test_reject_leads_to_a_revised_proposal(tmp_path: Path) -> None:
    report = told(tmp_path, "--decide", "reject", "--via", "api")

    rejected, revised = report["requests"]
    assert (rejected["status"], revised["status"]) == ("rejected", "executed")
    assert rejected["via"] == "api"
    assert rejected["arguments"] != revised["arguments"]
    (execution,) = report["executions"]
    assert execution["arguments"] == revised["arguments"]


@pytest.mark.parametrize("decide", ["approve", "reject", "modify"])
def test_the_other_workflow_does_its_job_too(tmp_path: Path, decide: str) -> None:
    report = told(tmp_path, "--workflow", "crm_update", "--decide", decide)

    tools = sorted(execution["tool"] for execution in report["executions"])
    assert tools == ["send_email", "update_opportunity"]
    stage = next(e["arguments"] for e in report["executions"] if e["tool"] == "update_opportunity")
    assert stage["stage"] == ("negotiation" if decide == "approve" else "proposal")


def test_the_story_can_be_read(tmp_path: Path) -> None:
    done = demo(tmp_path)

    assert done.returncode == 0, done.stderr
    for part in (
        "release_quote(",
        "the card that Alex Wilber got",
        "clicks [ Approve ]",
        "CRM: create_quote",
        "✓ verified",
    ):
        assert part in done.stdout
    assert done.stderr == ""
