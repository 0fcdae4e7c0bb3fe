"""What a ticket says: everything a manager needs, and nothing that passes for what it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from countersign.approvals.models import InParallel, Preview, Principal, Request, Verdict
from countersign.approvals.ports import TicketOrder
from countersign.approvals.tickets import order_key, target_of
from countersign.connectors.document import (
    ALL_VALUES_LIMIT,
    TITLE_LIMIT,
    VALUE_LIMIT,
    Document,
    Row,
    document,
)
from tests.connectors.desk_world import DeskWorld
from tests.doubles.directory import BEN, CARA, DAVE
from tests.doubles.links import links

OVERRIDE = "invoice\u202efdp.exe"
FORGED = "Contoso\nDigest: 000000000000\r\nDecide by: tomorrow\u2028Risk: low"


async def written(
    world: DeskWorld, request: Request, approvers: Sequence[Principal] = (BEN, CARA), **changes: Any
) -> Document:
    """The text of a ticket for this request; `changes` are made to its view."""
    view = (await world.records.view(request.id)).model_copy(update=changes)
    key = order_key(request.id, target_of(request))
    order = TicketOrder(key=key, view=view, approvers=tuple(approvers))
    return document(order, links(), "jira")


async def asked(
    world: DeskWorld, arguments: dict[str, Any] | None = None, tool: str = "quote", **more: Any
) -> Document:
    """The text of a ticket for a new request."""
    run = await world.begun()
    (request,) = await world.submit(run, world.proposal(run.session.id, tool, arguments, **more))
    return await written(world, request)


def facts(said: Document) -> dict[str, str]:
    """What stands beside each name."""
    return {row.name: row.text for row in said.facts}


async def test_ticket_says_what_is_asked_by_whom_and_why(world: DeskWorld) -> None:
    said = await asked(world)

    assert 'Approve Quote (medium risk): customer "Contoso", amount 100' == said.title
    assert said.lead.startswith("seller wants to run Quote (quote), on behalf of Anna. Nothing has")
    rows = [(row.name, row.text, row.key) for row in said.arguments]
    assert [("Customer", "Contoso", "customer"), ("Amount", "100", "amount")] == rows
    assert "The customer asked." == said.why
    assert (True, ()) == (said.complete, said.before)


async def test_ticket_says_who_decides_until_when_and_on_what(world: DeskWorld) -> None:
    (request,) = await world.asked()
    said = facts(await written(world, request))

    assert "Ben, Cara" == said["Who decides"]
    assert "2026-03-02 10:00 UTC; then nothing runs" == said["Decide by"]
    assert "medium" == said["Risk"]
    assert said["Rule"].startswith(f"{request.rule_id}: ")
    assert f"sales, session {request.session_id}" == said["Workflow"]
    assert f"{request.id}, revision 1" == said["Request"]
    assert f"{request.digest[:12]} (SHA-256 {request.digest})" == said["Digest"]


async def test_ticket_says_how_many_decide_at_which_step(world: DeskWorld) -> None:
    (request,) = await world.asked("pay")
    first = facts(await written(world, request))
    await world.vote(request, BEN)
    second_step = await world.vote(request, CARA)
    second = facts(await written(world, second_step, [DAVE]))

    assert "2 of: Ben, Cara (step 1 of 2)" == first["Who decides"]
    assert "Dave (step 2 of 2)" == second["Who decides"]


async def test_table_of_a_tool_has_its_cells_while_it_is_whole(world: DeskWorld) -> None:
    (request,) = await world.asked()
    rows = (("Account", "EUR"), ("a | b\nc", "1"))

    async def noted(given: tuple[tuple[str, str], ...]) -> Row:
        view = await world.records.view(request.id)
        shown = {"preview": Preview(kind="table", rows=given)}
        order = TicketOrder(
            key=order_key(request.id, target_of(request)),
            view=view.model_copy(update={"request": request.model_copy(update=shown)}),
            approvers=(BEN,),
        )
        return document(order, links(), "jira").notes[-1]

    whole, cut = await noted(rows), await noted(rows * 2_000)

    assert 'Account | EUR\n"a | b\\nc" | 1' == whole.text
    assert (("Account", "EUR"), ('"a | b\\nc"', "1")) == whole.table
    assert "more characters" in cut.text
    assert () == cut.table


async def test_calls_of_one_tool_beside_it_are_counted(world: DeskWorld) -> None:
    one, *_ = await world.asked("quote", "pay", "pay", "wire")
    said = facts(await written(world, one))

    assert said["Proposed with it"].startswith("Pay (2 calls), Wire. Nothing of it runs before")


async def test_ticket_names_what_was_proposed_with_it_and_still_waits(world: DeskWorld) -> None:
    one, two, three = await world.asked("quote", "pay", "wire")
    await world.vote(three, BEN, Verdict.REJECT)
    said = facts(await written(world, one))
    await world.vote(two, BEN, Verdict.REJECT)
    alone = facts(await written(world, one))

    assert (
        "Pay. Nothing of it runs before every call is decided. Of these 2 calls at least one "
        "cannot be undone."
    ) == said["Proposed with it"]
    assert "Proposed with it" not in alone


async def test_ticket_of_chats_side_by_side_says_whose_call_it_is(world: DeskWorld) -> None:
    """With the total and the class of all that waits, and the branches that failed."""
    run, proposals = await world.begun(), []
    for tool, branch in (("quote", "offer"), ("pay", "money")):
        parallel = InParallel(branch=branch, failed={"mail": "The model refused."})
        arguments = {"customer": "Contoso", "amount": 100, "currency": "EUR"}
        proposals.append(
            world.proposal(run.session.id, tool, arguments if tool == "pay" else None).model_copy(
                update={"parallel": parallel}
            )
        )
    one, two = await world.submit(run, *proposals)
    said = facts(await written(world, one))
    ledger = [entry for entry in await world.records.ledger(run.session.id)]
    proposed = [entry.body for entry in ledger if entry.kind == "proposed"]

    assert "offer" == said["Branch"]
    assert "Branch mail failed: The model refused." == said["Failed beside it"]
    assert said["Proposed with it"].startswith("Pay, branch money. Nothing of it runs before")
    assert "Of these 2 calls" in said["Proposed with it"]
    assert [("offer", ["mail"]), ("money", ["mail"])] == [
        (body["branch"], body["failed_branches"]) for body in proposed
    ]
    assert two.parallel == (await world.records.request(two.id)).parallel


async def test_ticket_says_that_the_same_call_has_run(world: DeskWorld) -> None:
    run, request = await world.executing()
    await world.runs.finish(run, request.id, ok=True, content="Q-1")
    (again,) = await world.submit(run, "quote")
    said, other = facts(await written(world, again)), facts(await written(world, request))

    assert said["Same call"].startswith("The same call was carried out already, approved by Ben on")
    assert "Same call" not in other


async def test_ticket_says_where_the_budgets_stand(world: DeskWorld) -> None:
    budgets = {
        "each": {"tool": "*", "window": "24h", "per": "args.customer", "count": {"hard": 9}},
        "day": {"tool": "quote", "window": "day", "zone": "UTC", "count": {"soft": 0}},
    }
    world.rules = {**world.rules, "budgets": budgets}
    world.restart()
    (request,) = await world.asked(world.proposal((await world.start()).id, "quote"))
    said = facts(await written(world, request))

    assert (
        "day: 1st of 0 today; past its soft limit of 0 calls; each: 1st of 9 in 24 hours "
        "(customer Contoso)"
    ) == said["Budget"]


async def test_ticket_shows_what_the_agent_had_proposed(world: DeskWorld) -> None:
    (request,) = await world.asked("wire")
    edited = {"customer": "Contoso", "amount": 90}
    revised = await world.vote(request, BEN, Verdict.MODIFY, arguments=edited)
    said = await written(world, revised)

    assert ("100", "90") == (said.before[1].text, said.arguments[1].text)
    assert f"{request.id}, revision 2" == facts(said)["Request"]
    assert "no deadline" == facts(said)["Decide by"]


async def test_ticket_without_reason_or_requester_says_so(world: DeskWorld) -> None:
    run = await world.begun()
    (request,) = await world.submit(
        run, world.proposal(run.session.id, "quote", {}, rationale=" \n ")
    )
    said = await written(world, request, requester=None)

    assert "The agent gave no reason." == said.why
    assert "on behalf of an unknown person." in said.lead
    assert "Approve Quote (medium risk)" == said.title


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (OVERRIDE, r'"invoice\u202efdp.exe"'),
        ("900", '"900"'),
        ("", '""'),
        ("a\u200bb", r'"a\u200bb"'),
        ("\x1b[2J", r'"\u001b[2J"'),
        (True, "Yes"),
        (None, "No value"),
        ({"to": [OVERRIDE]}, '1 value:\n  to: 1 item:\n    1. "invoice\\u202efdp.exe"'),
    ],
)
async def test_value_is_shown_so_that_it_passes_for_no_other(
    world: DeskWorld, value: Any, text: str
) -> None:
    said = await asked(world, {"customer": value})

    assert ("Customer", text) == (said.arguments[0].name, said.arguments[0].text)


async def test_title_is_one_line_whatever_the_agent_writes(world: DeskWorld) -> None:
    said = await asked(world, {"customer": FORGED, "list": ["not in the title"]})

    assert 1 == len(said.title.splitlines())
    assert said.title.startswith('Approve Quote (medium risk): customer "Contoso\\nDigest: 0000')
    assert "not in the title" not in said.title


async def test_long_title_is_cut_and_still_names_the_tool(world: DeskWorld) -> None:
    said = await asked(world, {"customer": "Long" + " long" * 200})

    assert said.title.startswith('Approve Quote (medium risk): customer "Long')
    assert said.title.endswith('"…')
    assert len(said.title) <= TITLE_LIMIT


async def test_hidden_characters_in_names_and_reasons_are_shown(world: DeskWorld) -> None:
    said = await asked(world, {OVERRIDE: 1}, rationale=OVERRIDE)

    assert r'"invoice\u202efdp.exe"' in said.arguments[0].name
    assert r'"invoice\u202efdp.exe"' == said.why
    assert "\u202e" not in said.title


async def test_facts_are_ours_whatever_the_agent_writes(world: DeskWorld) -> None:
    said = await asked(world, {"customer": FORGED, "Digest": "000000000000"}, rationale=FORGED)
    names = [row.name for row in said.facts]

    assert names == sorted(set(names), key=names.index)
    assert all("000000000000" not in row.text and "\n" not in row.text for row in said.facts)


async def test_what_does_not_fit_is_cut_and_the_whole_can_be_read_elsewhere(
    world: DeskWorld,
) -> None:
    run = await world.begun()
    arguments = {"customer": "x" * (VALUE_LIMIT + 1), "amount": 1}
    (request,) = await world.submit(run, world.proposal(run.session.id, "quote", arguments))
    said = await written(world, request)

    assert not said.complete
    assert "https://gate.example/read/" in said.read_it
    assert "x" * VALUE_LIMIT + "… 1 more characters" == said.arguments[0].text
    assert "1" == said.arguments[1].text


async def test_value_of_exactly_the_limit_is_whole(world: DeskWorld) -> None:
    said = await asked(world, {"customer": "x" * VALUE_LIMIT})

    assert said.complete


async def test_all_values_together_are_limited_and_each_is_still_there(world: DeskWorld) -> None:
    arguments = {f"a{n}": f"{n} " + "x" * VALUE_LIMIT for n in range(8)}
    said = await asked(world, arguments)
    last = said.arguments[-1]

    assert list(arguments) == [row.key for row in said.arguments]
    assert sum(len(row.text) for row in said.arguments) <= ALL_VALUES_LIMIT + 8 * 64
    assert last.text.startswith("7 x" + "x" * 37 + "… ")
    assert not said.complete
