"""What is said of people who cannot be reached."""

from __future__ import annotations

from typing import Any

from countersign.approvals.models import Delivery, DeliveryStatus, Principal, PrincipalId
from countersign.approvals.rules.unreachable import news, people_out_of_reach, unreachable
from tests.doubles.directory import BEN, CARA, DAVE
from tests.doubles.world import World

WHY = "Ben cannot be reached in Microsoft Teams: has blocked the bot."


def delivery(target: str, **changes: Any) -> Delivery:
    values = {
        "id": f"D-{target}-{changes.get('channel', 'teams')}",
        "request_id": "R-1",
        "channel": "teams",
        "target": target,
        "status": DeliveryStatus.UNREACHABLE,
        "error": WHY,
    }
    return Delivery.model_validate({**values, **changes})


def test_person_is_out_of_reach_only_if_nothing_reaches_them() -> None:
    deliveries = [
        delivery("person:ben"),
        delivery("person:cara"),
        delivery("person:cara", channel="other", status=DeliveryStatus.LIVE),
        delivery("person:dave", status=DeliveryStatus.ABANDONED),
        delivery("conversation:x"),
    ]

    assert (BEN,) == people_out_of_reach((BEN, CARA, DAVE), deliveries)


def test_reason_is_said_as_a_clause() -> None:
    deliveries = [delivery("person:ben"), delivery("person:cara", error=None)]

    assert [WHY.rstrip("."), "it cannot be reached"] == unreachable(deliveries)


async def test_shared_conversation_and_other_places_are_named(world: World) -> None:
    (request,) = await world.asked()
    view = await world.records.view(request.id)
    shared = delivery("conversation:x", error="The group chat cannot be reached: it was removed.")
    second = delivery("conversation:y")
    ticket = delivery("ticket:1.0", channel="jira", status=DeliveryStatus.LIVE, error=None)
    what = f"Quote ({request.id})"
    people = [delivery("person:ben"), delivery("person:cara")]

    assert news(view, [shared], shared) == (
        f"{what}: The group chat cannot be reached: it was removed; "
        "it is shown as soon as that is undone."
    )
    assert news(view, [shared, ticket], shared) == (
        f"{what}: The group chat cannot be reached: it was removed; it can be decided in Jira."
    )
    assert news(view, [shared, second], second) is None
    assert str(news(view, [*people, ticket], people[1])).endswith(" It can be decided in Jira.")


async def test_nothing_is_said_of_one_more_or_of_what_is_decided(world: World) -> None:
    (request,) = await world.asked()
    view = await world.records.view(request.id)
    both = [delivery("person:ben"), delivery("conversation:x")]
    await world.vote(request)
    decided = await world.records.view(request.id)

    assert news(view, both, both[0]) is None
    assert news(decided, both[:1], both[0]) is None


async def test_people_are_told_apart_by_their_ids(world: World) -> None:
    """Each compared with each other would be minutes where a thousand may decide."""

    class Counted(Principal):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        __hash__ = None  # type: ignore[assignment]

    (request,) = await world.asked()
    people = tuple(Counted(id=PrincipalId(f"p{n}"), name=f"P {n}") for n in range(3))
    view = (await world.records.view(request.id)).model_copy(update={"eligible": people})
    some = [delivery("person:p2"), delivery("conversation:x", status=DeliveryStatus.LIVE)]
    everybody = [delivery(f"person:p{n}") for n in range(3)]

    assert str(news(view, some, some[0])).endswith("; P 0 or P 1 can decide.")
    assert "nobody who may decide it can be reached" in str(news(view, everybody, everybody[2]))


async def test_only_those_are_named_who_could_decide_it_now(world: World) -> None:
    (request,) = await world.asked()
    view = await world.records.view(request.id)
    lost = [delivery("person:ben"), delivery("person:cara", error="Cara left.")]
    before = delivery("person:dave", error="Dave, of the step before, has blocked the bot.")

    said = str(news(view, [*lost, before], before))

    assert WHY.rstrip(".") in said
    assert "Cara left. It" in said
    assert "Dave" not in said
