"""The long story on every combination: pauses, a batch decided in parts, a change, a rejection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from countersign.approvals.models import RequestStatus, SessionStatus
from tests.agents.teams import GUARDED, SELECTIONS, Effects, Mode, story, team
from tests.agents.world import world

MODEL_CALLS = {"round_robin": 9, "auto": 12, "custom": 6}
"""The least that the story needs; `auto` asks for every speaker but the executor as well."""


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("selection", SELECTIONS)
async def test_four_pauses_in_five_processes(
    selection: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """Nothing is lost, asked twice or run twice, and what runs is what was approved."""
    effects = Effects()
    workflow = team(effects, selection=selection, mode=mode)
    async with world(workflow, story, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        assert (await w.run()).status is SessionStatus.WAITING
        (first,) = await w.requests()
        assert first.arguments == {"to": "ceo@acme.test", "subject": "Renewal", "body": "Dear ACME"}
        assert (first.agent, first.executor) == ("worker", "gatekeeper")
        assert first.rationale == "because of ceo@acme.test"
        await w.office.approve(first)

        assert (await w.run()).status is SessionStatus.WAITING
        batch = await w.requests()
        assert [r.tool for r in batch] == ["update_crm", "look_up", "send_email"]
        changed = {"record": "ACME-1", "stage": "won"}
        await w.office.approve(batch[0], changed)
        assert (await w.run()).status is SessionStatus.WAITING
        assert effects.of("update_crm") == effects.of("look_up") == []

        await w.office.reject(batch[2], "never mention discounts")
        assert (await w.run()).status is SessionStatus.WAITING
        (revised,) = await w.requests()
        assert revised.arguments["body"] == "no discount mentioned"
        await w.office.approve(revised)

        ended = await w.run()
        told = [_parsed(text) for text in await w.tool_texts()]

        assert (ended.status, ended.answer) == (SessionStatus.COMPLETED, "All wrapped up.")
        assert [a["to"] for a in effects.of("send_email")] == ["ceo@acme.test", "sales@corp.test"]
        assert effects.of("send_email")[1]["body"] == "no discount mentioned"
        assert effects.of("update_crm") == [changed]
        assert len(set(effects.tokens)) == len(effects.tokens) == 4
        assert w.model_calls == MODEL_CALLS[selection]
        assert w.refused_by_model() == []
        assert told == [
            {"decision": "USER_APPROVE", "status": "executed", "result": "sent to ceo@acme.test",
             "decided_by": "Mia"},
            {"decision": "USER_APPROVE", "status": "executed_with_changes",
             "arguments_used": changed, "result": "ACME-1 -> won", "decided_by": "Mia"},
            "sales@corp.test",
            {"decision": "USER_REJECT", "status": "not_executed", "cause": "rejected",
             "feedback": "never mention discounts", "retry": True, "decided_by": "Mia"},
            {"decision": "USER_APPROVE", "status": "executed", "result": "sent to sales@corp.test",
             "decided_by": "Mia"},
        ]  # fmt: skip


async def test_running_a_session_again_is_harmless(tmp_path: Path, office: str) -> None:
    """While it waits, and after its end, a run finds nothing to do."""
    effects = Effects()
    async with world(team(effects), story, path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        asked = w.model_calls
        await w.run()

        assert w.model_calls == asked
        assert [r.status for r in await w.requests()] == [RequestStatus.PENDING]


def _parsed(text: str) -> object:
    return json.loads(text) if text.startswith("{") else text
