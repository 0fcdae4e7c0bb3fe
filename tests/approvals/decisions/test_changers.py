"""Who changed a call and who approved it are told apart, everywhere the domain says it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from countersign.agents.results import text_of
from countersign.approvals.forms.changers import (
    changers,
    changes_in,
    has_changed,
    other_changers,
)
from countersign.approvals.models import Outcome, Request, RequestStatus, Result, Verdict
from countersign.approvals.store.replaying import replay
from countersign.bot.audit.story_lines import lines
from countersign.connectors.ticketing.outcome import decided_words
from tests.approvals.decisions.test_edit_rulings import BANDS, asked, edit, quote
from tests.approvals.decisions.test_questions import ask, sound
from tests.approvals.decisions.test_second_thoughts import instead, think
from tests.approvals.test_told import said
from tests.doubles.directory import BEN, CARA, DAVE
from tests.doubles.world import QUOTE, THREAD, World

pytestmark = pytest.mark.asyncio


def names(request: Request) -> list[str]:
    return [each.by for each in request.changed_by]


async def changed_and_approved(world: World) -> Request:
    """Ben's edit brings in the controller, who is Dave."""
    edited = await edit(world, await asked(world, 90), 200)
    return await world.vote(edited, DAVE, comment="Fine.")


async def test_whoever_changed_it_is_named_beside_who_approved_it(world: World) -> None:
    world.use(BANDS)
    run = await world.begun(THREAD)
    (asked,) = await world.submit(run, world.proposal(run.session.id, "quote", quote(90)))
    edited = await edit(world, asked, 200)
    voted = await said(world)
    decided = await world.vote(edited, DAVE, comment="Fine.")
    told = await said(world)

    assert decided.decision is not None
    assert ("dave", Verdict.MODIFY) == (decided.decision.by, decided.decision.verdict)
    assert (["ben"], "Ben", "Ben") == (names(decided), changers(decided), other_changers(decided))
    assert decided == await world.now(decided)
    assert decided_words(decided).startswith("Changed by Ben, and approved by Dave through ")
    assert voted[-1].startswith(f"Ben changed and approved Quote ({asked.id}) through Microsoft ")
    assert (
        f"**Approved** by Dave through Microsoft Teams, **changed** by Ben: Quote ({decided.id}), "
        "with amount 90 → 200. Comment: Fine." == told[-1]
    )


async def test_agents_and_the_ledger_are_told_both(world: World) -> None:
    decided = await changed_and_approved(world)
    ledger = await world.records.ledger(decided.session_id)
    (revised,) = [entry.body for entry in ledger if entry.kind == "revised"]
    (body,) = [entry.body for entry in ledger if entry.kind == "decided"]
    found = replay(ledger)
    result = Result(outcome=Outcome.EXECUTED_WITH_CHANGES, content="Q-1")
    heard = json.loads(text_of(decided, result))

    assert ("ben", "Ben", "teams") == (revised["by"], revised["name"], revised["via"])
    assert ("dave", ["ben"]) == (body["by"], body["changed_by"])
    assert ["ben"] == found.requests[0]["decision"]["changed_by"]
    assert "  decided: modify by dave through teams, changed by ben" in list(lines(found))
    assert ("Dave", "Ben") == (heard["decided_by"], heard["changed_by"])
    assert await sound(world)


async def test_one_person_alone_is_named_once(world: World) -> None:
    decided = await edit(world, await asked(world, 90), 80)
    heard = json.loads(text_of(decided, Result(outcome=Outcome.EXECUTED_WITH_CHANGES)))

    assert RequestStatus.APPROVED is decided.status
    assert ("Ben", "") == (changers(decided), other_changers(decided))
    assert decided_words(decided).startswith("Approved with changes by Ben through ")
    assert "changed_by" not in heard


async def test_each_is_named_once_and_the_last_change_last(world: World) -> None:
    (request,) = await world.asked("pay")
    for amount, who in ((90, BEN), (80, CARA), (70, BEN)):
        changed = {**QUOTE, "amount": amount}
        request = await world.vote(request, who, Verdict.MODIFY, arguments=changed)
    votes = await world.records.votes(request.id)
    (vote,) = [each for each in votes if each.revision == request.revision]

    assert (["cara", "ben"], "Cara, Ben") == (names(request), changers(request))
    assert has_changed(vote, request)
    assert not has_changed(vote.model_copy(update={"principal_id": "cara"}), request)


async def test_what_nobody_changed_or_a_release_before_does_not_tell(world: World) -> None:
    request = await asked(world, 90)
    decided = await changed_and_approved(world)
    older = decided.model_copy(update={"changed_by": ()})

    assert ("", "") == (changers(request), other_changers(request))
    assert decided_words(older).startswith("Approved with changes by Dave through ")


async def test_what_an_agent_proposes_anew_nobody_has_changed(world: World) -> None:
    (request,) = await world.asked("pay")
    await world.vote(request, BEN, Verdict.MODIFY, arguments={**QUOTE, "amount": 80})
    edited = await world.now(request)
    await think(world, await ask(world, edited, CARA), instead(edited, amount=70))
    after = await world.now(request)
    ledger = await world.records.ledger(request.session_id)
    history: list[dict[str, Any]] = [{"entry": e.kind, **e.body} for e in ledger]

    assert (["ben"], []) == (names(edited), names(after))
    assert [] == changes_in(history)
    assert ["Ben"] == [each["name"] for each in changes_in(history[:-2])]
