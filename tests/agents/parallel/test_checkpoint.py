"""Several chats side by side: one checkpoint, in the declared order, over as many processes as one
likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.approvals.models import RequestStatus, SessionStatus
from tests.agents.parallel.flows import (
    STEPS,
    call,
    chat,
    crm,
    find,
    group,
    mail,
    plays,
    said,
    side_by_side,
)
from tests.agents.teams import GUARDED, Effects, Mode
from tests.agents.world import world

KINDS = {"two agents": chat, "group": group}


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("kind", KINDS)
async def test_three_branches_are_one_checkpoint(
    kind: str, mode: Mode, office: str, tmp_path: Path
) -> None:
    """Guarded calls of two branches wait together while the third ends; one is changed and one is
    rejected, in another process; a chat that follows gets all results."""
    effects = Effects()
    flow = side_by_side(effects, "mail", "crm", "facts", then="writer", mode=mode, made=KINDS[kind])
    async with world(flow, plays(STEPS), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start("renew ACME")
        assert (await w.run()).status is SessionStatus.WAITING
        batch = await w.requests()
        assert [(r.tool, r.agent, r.executor) for r in batch] == [
            ("send_email", "mail", "mail_gate"),
            ("update_crm", "crm", "crm_gate"),
        ]
        assert sorted(a["name"] for a in effects.of("look_up")) == ["a", "b", "sales"]
        asked = w.model_calls

        await w.office.approve(batch[1], {"record": "ACME-1", "stage": "lost"})
        await w.run()
        assert effects.of("update_crm") == []
        await w.office.reject(batch[0], "not now")
        ended = await w.run()

        assert (ended.status, ended.error) == (SessionStatus.COMPLETED, None)
        assert effects.of("update_crm") == [{"record": "ACME-1", "stage": "lost"}]
        assert effects.of("send_email") == []
        assert w.refused_by_model() == []
        assert w.model_calls == asked + 3
        task = w.model.requests[-1].body["messages"][1]["content"]
        assert task.split("\n\n") == [
            "renew ACME",
            "What came of it, by branch:",
            "mail: The mail is out.",
            "crm: CRM is up to date.",
            "facts: Two contacts.",
        ]
        assert ended.answer == f"SUMMARY of {len(task)} characters"


async def test_what_runs_runs_in_the_declared_order(office: str, tmp_path: Path) -> None:
    """However quick each branch came to its call, and whoever was approved first."""
    effects = Effects()
    steps = {**STEPS, "mail": [call(find()), call(find()), call(mail()), said("Out.")]}
    flow = side_by_side(effects, "mail", "crm")
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        for request in reversed(await w.requests()):
            await w.office.approve(request)
        ended = await w.run()

        assert [tool for tool, _ in effects.done[2:]] == ["send_email", "update_crm"]
        assert ended.answer == "mail: Out.\n\ncrm: CRM is up to date."


async def test_branches_meet_again_and_again(office: str, tmp_path: Path) -> None:
    """Each round is a checkpoint of its own; call ids are never used twice; messages with several
    calls stay together."""
    effects = Effects()
    steps = {
        "one": [call(crm("A"), find("x")), call(crm("B")), said("Both.")],
        "two": [call(crm("C")), call(find("y")), call(mail("d@x.test")), said("Too.")],
    }
    flow = side_by_side(effects, "one", "two")
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        checkpoints = []
        while (await w.run()).status is SessionStatus.WAITING:
            batch = await w.requests()
            checkpoints.append([(r.call_id.split(":")[0], r.tool) for r in batch])
            for request in batch:
                if request.status is RequestStatus.PENDING:
                    await w.office.approve(request)

        assert checkpoints == [
            [("one.0.0", "update_crm"), ("one.0.1", "look_up"), ("two.0.0", "update_crm")],
            [("one.1.0", "update_crm"), ("two.2.0", "send_email")],
        ]
        assert [a.get("record") or a.get("name") or a["to"] for _, a in effects.done] == [
            "A", "x", "C", "y", "B", "d@x.test",
        ]  # fmt: skip
        assert len(set(effects.tokens)) == 6


async def test_without_guarded_calls_nobody_is_asked(office: str, tmp_path: Path) -> None:
    """All of it is one run, and the answer is that of every branch in order."""
    effects = Effects()
    steps = {name: [call(find(name)), said(f"{name} done.")] for name in ("a", "b", "c")}
    flow = side_by_side(effects, "a", "b", "c")
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        ended = await w.run()

        assert ended.status is SessionStatus.COMPLETED
        assert ended.answer == "a: a done.\n\nb: b done.\n\nc: c done."
        messages = await w.messages()
        assert [m["branch"] for m in messages] == ["a"] * 4 + ["b"] * 4 + ["c"] * 4
