"""Redlining on the real application: what lawyers approve is in the file, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.models import Verdict
from countersign.bot.demo.scenarios import SCENARIOS, Choice
from countersign.bot.demo.world import World, open_world
from countersign.examples.redlining import Contract
from countersign.sandbox._faults import Fault
from tests.examples.test_redlining import tracked
from tests.scenarios.playing import APPROVE, play, undo

pytestmark = pytest.mark.asyncio

USE = "contract_redline"
CONTRACT, US, THEM = "CTR-3001", "Contoso Legal", "Fabrikam Legal"
STANDARD = "Invoices are due within thirty (30) days of receipt."
SIXTY = "Invoices are due within sixty (60) days of receipt."
NO = Choice(Verdict.REJECT, comment="Leave it as it is, we accept that.")
SIGN = "send the Northwind NDA to be signed"


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them
    async with open_world("api", SCENARIOS[USE]) as opened:
        yield opened


def ours(world: World) -> list[tuple[str, str]]:
    """What we have tracked in the file that the CLM has, as (kind, words)."""
    data = world.office.more["clm"].document(CONTRACT)
    return [(kind, text) for kind, who, _, text in tracked(data) if who == US]


async def test_lawyer_decides_clause_by_clause_and_only_that_is_in_the_document(
    world: World,
) -> None:
    began = datetime.now(UTC).replace(microsecond=0)
    sixty = Choice(Verdict.MODIFY, comment="We can live with that.", changes={"new_text": SIXTY})
    before = tracked(world.office.more["clm"].document(CONTRACT))

    session, requests = await play(world, USE, sixty, NO, APPROVE)

    data = world.office.more["clm"].document(CONTRACT)
    contract = Contract(data)
    assert ["2.1", "3.1", "4.1"] == [request.arguments["clause"] for request in requests]
    assert ["executed", "rejected", "executed"] == [request.status for request in requests]
    assert SIXTY == contract.clause("2.1").text
    assert "unlimited" in contract.clause("3.1").text
    assert [
        ("del", "ninety (90)"),
        ("ins", "sixty (60)"),
        ("del", "renews for five years unless ended a year before, "),
    ] == ours(world)
    for _, who, at, _ in tracked(data):
        if who == US:
            assert began <= datetime.fromisoformat(at) <= datetime.now(UTC)
    theirs = [each for each in tracked(data) if each[1] == THEM]
    assert "".join(each[3] for each in before) == "".join(each[3] for each in theirs)
    assert [1, 1, 0] == sorted((len(world.effects(each)) for each in requests), reverse=True)
    assert "2.1 reads now (as Alex Wilber changed it)" in session["answer"]
    assert "3.1 was left as it is: Alex Wilber rejected it" in session["answer"]


async def test_rejected_clause_is_proposed_once_more_with_the_fallback(world: World) -> None:
    choice = SCENARIOS[USE].choices["reject"]
    _, requests = await play(world, USE, choice)

    texts = [each.arguments["new_text"] for each in requests if each.arguments["clause"] == "2.1"]
    assert [STANDARD, STANDARD.replace("thirty (30)", "forty-five (45)")] == texts
    assert texts[-1] == Contract(world.office.more["clm"].document(CONTRACT)).clause("2.1").text


async def test_version_that_came_meanwhile_is_not_written_over(world: World) -> None:
    """The other side sends another draft while the lawyer reads: nothing of ours goes into it."""
    clm = world.office.more["clm"]
    sent: list[bytes] = []

    async def another(request: dict[str, Any]) -> None:
        if not sent:
            draft = Contract(clm.document(CONTRACT))
            was = draft.clause("5.1").text
            wanted = was.replace("Ireland", "Texas").replace("Dublin", "Austin")
            draft.redline("5.1", was, wanted, author=THEM, at=datetime.now(UTC))
            sent.append(draft.as_bytes())
            clm.upload(CONTRACT, sent[0], author=THEM)

    session, requests = await play(world, USE, before=another)

    assert sent[0] == clm.document(CONTRACT)
    assert [] == clm.effects()
    assert {"cancelled"} == {str(request.status) for request in requests}, session
    assert "version 2 has come since" in session["answer"]


async def test_redline_can_be_taken_back(world: World) -> None:
    clm = world.office.more["clm"]
    before = tracked(clm.document(CONTRACT))
    _, requests = await play(world, USE, APPROVE, NO, NO)

    undone = await undo(world, requests[0], "We talked; ninety days it is.")

    assert "undone" == undone["state"], undone
    assert before == tracked(clm.document(CONTRACT))
    assert 3 == clm.workflow(CONTRACT)["attributes"]["draft"]["versions"][-1]["version"]


async def test_what_is_signed_is_the_file_that_was_approved_and_it_can_be_withdrawn(
    world: World,
) -> None:
    docusign, clm = world.office.more["docusign"], world.office.more["clm"]
    session, (request,) = await play(world, USE, task=SIGN)
    (envelope,) = docusign.envelopes()

    assert clm.document("CTR-3002") == docusign.document(envelope["envelopeId"])
    assert ["priya@northwind.example", "alexw@example.com"] == [
        each["email"] for each in envelope["recipients"]["signers"]
    ]
    assert request.execution_token == envelope["transactionId"]
    assert envelope["envelopeId"] in session["answer"]

    undone = await undo(world, request, "The wrong annex.")

    assert "undone" == undone["state"], undone
    assert ["voided"] == [each["status"] for each in docusign.envelopes()]


async def test_what_everybody_has_signed_is_not_withdrawn(world: World) -> None:
    docusign = world.office.more["docusign"]
    _, (request,) = await play(world, USE, task=SIGN)
    docusign.sign(docusign.envelopes()[0]["envelopeId"])

    undone = await undo(world, request, "The wrong annex.")

    assert "not_undone" == undone["state"], undone
    assert ["completed"] == [each["status"] for each in docusign.envelopes()]


async def test_document_with_open_changes_is_signed_by_nobody(world: World) -> None:
    clm = world.office.more["clm"]
    draft = Contract(clm.document("CTR-3002"))
    was = draft.clause("2.1").text
    draft.redline("2.1", was, was.replace("three", "nine"), author=THEM, at=datetime.now(UTC))
    clm.upload("CTR-3002", draft.as_bytes(), author=THEM)

    session, requests = await play(world, USE, task=SIGN)

    assert [] == requests
    assert "has tracked changes in 2.1: agree on them" in session["answer"]
    assert [] == world.office.more["docusign"].envelopes()


async def test_envelope_of_which_nobody_knows_is_in_doubt_and_sent_once(world: World) -> None:
    docusign = world.office.more["docusign"]
    docusign.faults.add(Fault(kind="reset", method="POST"))

    session, (request,) = await play(world, USE, task=SIGN)

    assert "in_doubt" == request.status
    assert 1 == len([each for each in docusign.requests if each.method == "POST"])
    assert "It is not known whether" in session["answer"]
