"""Long branches, questions to their agents, and what people follow in the thread."""

from __future__ import annotations

from pathlib import Path

from countersign.agents.side_conversations import SideConversations
from countersign.agents.tools.late_results import LateResults
from countersign.approvals.models import Actor, SessionStatus, Via
from countersign.sandbox.openai import Conversation, Reply, Say
from tests.agents.parallel.flows import STEPS, call, crm, find, plays, said, side_by_side
from tests.agents.people import MIA, FakeOffice, SqliteOffice
from tests.agents.teams import GUARDED, Effects
from tests.agents.world import world

LONG = "x" * 9_000


async def test_long_branches_keep_every_message_over_pauses(office: str, tmp_path: Path) -> None:
    """Messages leave the snapshot of a branch for its chunks; models are shown all of them."""
    effects = Effects(returns=LONG)
    steps = {
        "one": [call(find("a")), call(crm("A")), call(find("b")), call(crm("B")), said("One.")],
        "two": [call(find("c")), call(crm("C")), call(find("d")), call(crm("D")), said("Two.")],
    }
    flow = side_by_side(effects, "one", "two")
    async with world(flow, plays(steps), path=tmp_path, office=office, guarded=GUARDED) as w:
        await w.start()
        while (await w.run()).status is SessionStatus.WAITING:
            for request in await w.requests():
                await w.office.approve(request)
        ended = await w.session()
        messages = await w.messages()

        assert ended.answer == "one: One.\n\ntwo: Two."
        assert [m["branch"] for m in messages] == ["one"] * 10 + ["two"] * 10
        assert sum(LONG in str(m["content"]) for m in messages) == 8
        assert w.refused_by_model() == []


async def test_agent_of_a_branch_answers_a_question(tmp_path: Path) -> None:
    """From what its own branch has stored; the session is left as it is."""
    seen: list[str] = []

    def script(conversation: Conversation) -> Reply:
        if "asks before that" in conversation.last:
            seen.append(conversation.agent)
            return Say("Because they have signed.")
        return plays(STEPS)(conversation)

    flow = side_by_side(Effects(), "mail", "crm")
    async with world(flow, script, path=tmp_path, office="sqlite", guarded=GUARDED) as w:
        assert isinstance(w.office, SqliteOffice)
        await w.start()
        await w.run()
        domain, before = w.office.domain, await w.messages()
        manager = Actor(principal=MIA, via=Via.API, identity="token:mia")
        request = (await w.requests())[1]
        question = await domain.approvals.questions.ask(request.id, manager, "Why?")
        assert question is not None
        asides = SideConversations(
            domain.answering, domain.runs, w.new_registry(), LateResults(domain.runs)
        )
        await asides.answer(question.id)
        asides.close()
        answered = await domain.records.question(question.id)

        assert answered.answer is not None
        assert "Because they have signed." in str(answered)
        assert seen == ["You are crm."]
        assert await w.messages() == before


async def test_thread_hears_of_every_branch_once(tmp_path: Path) -> None:
    """In the declared order, and the last words only as the answer."""
    effects = Effects()
    flow = side_by_side(effects, "mail", "crm", "facts")
    async with world(flow, plays(STEPS), path=tmp_path, guarded=GUARDED) as w:
        await w.start()
        await w.run()
        for request in await w.requests():
            await w.office.approve(request)
        await w.run()
        assert isinstance(w.office, FakeOffice)
        lines = w.office.runs.progress

        assert sorted(line for line in lines if "proposes" in line) == [
            "**crm** proposes update_crm",
            "**facts** proposes look_up",
            "**facts** proposes look_up",
            "**mail** proposes look_up",
            "**mail** proposes send_email",
        ]
        assert not any("CRM is up to date" in line for line in lines)
