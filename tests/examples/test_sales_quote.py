"""The sales quote from the task to the last word, over every way it can go."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.examples.sales_quote import sales_quote
from tests.examples.gated import approve, in_turn, stage

pytestmark = pytest.mark.asyncio

TASK = "quote for Contoso, 25 seats"


async def test_released_quote_moves_the_stage_and_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)
        effects = it.crm.effects()

        assert [
            ["lookup_customer"],
            ["release_quote"],
            ["update_stage", "log_activity"],
        ] == it.batches
        assert [
            (
                "release_quote",
                {
                    "customer_id": "CUST-1001",
                    "opportunity_id": "OPP-2041",
                    "amount": 25080.0,
                    "currency": "EUR",
                    "discount_percent": 12.0,
                    "valid_days": 30,
                },
            )
        ] == it.proposals
        assert "12 % off the list price" in it.rationales[0]
        assert ["create_quote", "update_opportunity", "create_activity"] == [
            e["action"] for e in effects
        ]
        assert 3 == len({effect["idempotency_key"] for effect in effects})
        assert "proposal" == it.crm.opportunity("OPP-2041")["stage"]
        number = it.crm.quotes()[0]["quote_number"]
        assert number in effects[2]["arguments"]["text"]
        assert (
            f"Quote {number} for Contoso Ltd is released: EUR 25,080.00, 12 % discount, valid for "
            "30 days. OPP-2041 is now in proposal and the activity is logged."
        ) == answer


async def test_model_never_breaks_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        await it.run(sales_quote, TASK, approve, monkeypatch)

        assert {200} == {request.status for request in it.model.requests}


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (
            "Please prepare a quote for Fabrikam with 80 seats, valid for 14 days",
            {
                "customer_id": "CUST-1002",
                "amount": 95760.0,
                "currency": "USD",
                "discount_percent": 5.0,
                "valid_days": 14,
            },
        ),
        (
            "quote for Adventure Works",
            {"opportunity_id": "OPP-2044", "amount": 227304.0, "discount_percent": 18.0},
        ),
        (
            "Quote for northwind, 14 users at 20% discount",
            {"amount": 10976.0, "discount_percent": 20.0},
        ),
        (
            "I need a quote for Wide World Importers: 40 seats, EUR 40,000",
            {"opportunity_id": "OPP-2046", "amount": 40000.0, "discount_percent": 12.28},
        ),
    ],
)
async def test_offer_follows_the_task_and_the_record(
    task: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        await it.run(sales_quote, task, approve, monkeypatch)

        assert expected.items() <= it.proposals[0][1].items()


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ("Too much discount, 8 % at most.", {"discount_percent": 8.0, "amount": 26220.0}),
        ("no discount please", {"discount_percent": 0.0, "amount": 28500.0}),
        ("valid for 14 days only", {"discount_percent": 12.0, "valid_days": 14}),
        ("make it at least 27,000", {"amount": 27000.0, "discount_percent": 5.26}),
        ("they need 30 seats", {"amount": 30096.0, "discount_percent": 12.0}),
        ("the margin is too thin", {"discount_percent": 6.0}),
        ("too expensive for them", {"discount_percent": 18.0}),
    ],
)
async def test_rejection_leads_to_a_revised_proposal(
    feedback: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = in_turn(release_quote=[{"verdict": "reject", "feedback": feedback}])
    async with stage() as it:
        answer = await it.run(sales_quote, TASK, decide, monkeypatch)

        assert 2 == len(it.proposals)
        assert expected.items() <= it.proposals[1][1].items()
        assert feedback in it.rationales[1]
        assert [it.proposals[1][1]["amount"]] == [quote["amount"] for quote in it.crm.quotes()]
        assert "is released" in answer


@pytest.mark.parametrize("feedback", ["Cancel it, they are insolvent.", "12 % discount is wrong"])
async def test_stops_when_told_to_or_when_nothing_would_change(
    feedback: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = in_turn(release_quote=[{"verdict": "reject", "feedback": feedback}])
    async with stage() as it:
        answer = await it.run(sales_quote, TASK, decide, monkeypatch)

        assert 1 == len(it.proposals)
        assert [] == it.crm.effects()
        assert answer.startswith("No quote was released for Contoso Ltd: Alex Wilber rejected it")


async def test_agents_go_on_with_the_arguments_that_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {
        "customer_id": "CUST-1001",
        "opportunity_id": "OPP-2041",
        "amount": 26500.0,
        "currency": "EUR",
        "discount_percent": 7.0,
        "valid_days": 10,
    }
    decide = in_turn(release_quote=[{"verdict": "approve", "arguments": used}])
    async with stage() as it:
        answer = await it.run(sales_quote, TASK, decide, monkeypatch)

        assert 26500.0 == it.crm.quotes()[0]["amount"]
        assert "EUR 26,500.00, 7 % discount" in it.crm.effects()[2]["arguments"]["text"]
        assert (
            "EUR 26,500.00, 7 % discount, valid for 10 days, as changed by Alex Wilber." in answer
        )


async def test_failure_is_told_and_tried_once_more_through_approval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        it.crm.faults.fail(503, path="/quotes", times=2)
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

        assert 2 == len(it.proposals)
        assert it.proposals[0] == it.proposals[1]
        assert "did not go through" in it.rationales[1]
        assert 1 == len(it.crm.quotes())
        assert "is released" in answer


async def test_second_failure_goes_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        it.crm.faults.fail(503, path="/quotes", times=5)
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

        assert 2 == len(it.proposals)
        assert "No quote was released" in answer
        assert "sales operations" in answer


async def test_refusal_of_the_quoting_system_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage() as it:
        answer = await it.run(sales_quote, f"{TASK}, 55% discount", approve, monkeypatch)

        assert 1 == len(it.proposals)
        assert "below the price floor" in answer


async def test_broken_connection_after_the_effect_is_one_quote(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tool repeats its own request with the same key and gets the same quote."""
    from countersign.sandbox._faults import Fault

    async with stage() as it:
        it.crm.faults.add(Fault(kind="reset_after", path="/quotes"))
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

        assert 1 == len(it.proposals) == len(it.crm.quotes())
        assert "is released" in answer


async def test_error_after_the_effect_is_one_quote(monkeypatch: pytest.MonkeyPatch) -> None:
    from countersign.sandbox._faults import Fault

    async with stage() as it:
        it.crm.faults.add(Fault(kind="error_after", path="/quotes", status=500))
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

        assert 1 == len(it.proposals) == len(it.crm.quotes())
        assert "is released" in answer


@pytest.mark.parametrize("statuses", [(500, 500), (502, 503), (503, 500), (408, 503)])
async def test_errors_that_say_nothing_about_the_effect_leave_it_in_doubt(
    statuses: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the second attempt alone would be known to have changed nothing."""
    async with stage() as it:
        for status in statuses:
            it.crm.faults.fail(status, path="/quotes")
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

        assert 1 == len(it.proposals)
        assert "a person is checking" in answer


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("expired", "nobody decided before the deadline"),
        ("denied_by_policy", "the policy forbids it"),
        ("in_doubt", "a person is checking"),
        ("shadow", "a person does it by hand"),
        ("invalid_arguments", "was not executed"),
    ],
)
async def test_other_outcomes_end_without_another_try(
    cause: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = in_turn(release_quote=[{"verdict": cause, "message": "because"}])
    async with stage() as it:
        answer = await it.run(sales_quote, TASK, decide, monkeypatch)

        assert 1 == len(it.proposals)
        assert words in answer
        assert "is released" not in answer


async def test_follow_up_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        it.crm.faults.fail(503, path="/opportunities", times=2)
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

    assert "is released" in answer
    assert "the stage of the opportunity was not changed" in answer
    assert "The activity is logged." in answer


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("quote for Acme, 5 seats", "the CRM has no customer called Acme"),
        ("quote please", "for whom the quote is"),
        ("quote for o, 5 seats", "Several customers match o"),
    ],
)
async def test_unclear_task_is_said_and_nothing_is_proposed(
    task: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage() as it:
        answer = await it.run(sales_quote, task, approve, monkeypatch)

        assert words in answer
        assert [] == it.proposals


async def test_crm_that_is_down_from_the_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as it:
        it.crm.faults.fail(503, times=9)
        answer = await it.run(sales_quote, TASK, approve, monkeypatch)

    assert "could not be read from the CRM" in answer


async def test_missing_setting_is_named() -> None:
    from countersign import WorkflowContext

    with pytest.raises(ValueError, match="crm_url"):
        sales_quote(WorkflowContext({}, {}))
