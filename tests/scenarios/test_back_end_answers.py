"""What the back ends of the uses may answer to a write, and what comes of it: nothing is lost,
nothing is done twice, and what is said of it is true.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from countersign.approvals.models import Request
from countersign.bot.demo.fronts import ApiFront
from countersign.bot.demo.scenarios import APPROVE
from countersign.bot.demo.world import World, open_world
from countersign.sandbox._faults import Fault
from tests.scenarios.playing import play
from tests.scenarios.test_slow_back_ends import USES, Use, over, pending

pytestmark = pytest.mark.asyncio
LATER_S = 7200
ASKED_FOR_LATER = frozenset({"hubspot", "sendgrid", "cpq", "clm", "docusign", "zendesk", "erp"})
"""Those whose client gives us the headers of a refusal; Salesforce's does not."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")  # put back afterwards: the world sets them


class Ended(NamedTuple):
    """The first call that was decided, at its end, and what its system has recorded for it."""

    request: Request
    effects: int
    answer: str

    @property
    def said(self) -> str:
        """What people and agents read of it."""
        result = self.request.result
        assert result is not None
        return str(result.message or result.content)


async def first_of(use: Use, system: str, *faults: Fault) -> Ended:
    """Decide everything with `yes` while these faults come to the first write."""
    async with open_world("api", use.scenario) as world:
        for fault in faults:
            world.office.more[system].faults.add(
                fault.model_copy(update={"method": use.method, "path": use.path})
            )
        session, asked = await play(world, use.workflow, task=use.scenario.task)
        verified = await world.records.verify(asked[0].session_id)
        first, effects = asked[0], len(world.effects(asked[0]))
        others = [each for each in asked[1:] if len(world.effects(each)) > 1]

    assert verified.verified
    assert [] == others
    return Ended(first, effects, str(session["answer"]))


@pytest.mark.parametrize("status", [401, 409, 422, 429])
@pytest.mark.parametrize("system", USES)
async def test_refusal_is_a_failure_that_says_why_and_what_to_do(system: str, status: int) -> None:
    fault = Fault(
        status=status,
        times=9 if status == 401 else 1,
        retry_after_s=LATER_S if status == 429 else None,
    )
    ended = await first_of(USES[system], system, fault)

    assert ("failed", 0) == (str(ended.request.status), ended.effects)
    assert f"(HTTP {status})" in ended.said
    assert any(f"Nothing was {done}" in ended.said for done in ("changed", "sent"))
    assert ("an operator has to look" in ended.said) == (status == 401)
    if system in ASKED_FOR_LATER:
        assert (f"Try again in {LATER_S} s." in ended.said) == (status == 429)
    assert not [mark for mark in ("..", "{", "<html") if mark in ended.answer]


@pytest.mark.parametrize("status", [408, 500, 503])
@pytest.mark.parametrize("system", USES)
async def test_error_after_the_effect_is_no_failure_and_no_second_effect(
    system: str, status: int
) -> None:
    """The system, or what stands before it, has carried the call out and says that it has not:
    the record of the system counts."""
    ended = await first_of(USES[system], system, Fault(kind="error_after", status=status))

    assert ("executed", 1) == (str(ended.request.status), ended.effects)


@pytest.mark.parametrize("system", USES)
async def test_system_that_is_down_has_done_nothing_or_it_is_in_doubt(system: str) -> None:
    """503 from before the effect on, for longer than anybody tries: it is not said to be done."""
    down = Fault(status=503, times=9, retry_after_s=LATER_S)
    async with open_world("api", USES[system].scenario) as world:
        use = USES[system]
        session = await ApiFront(world).start(use.scenario)
        (asked, *_) = await pending(world, session)
        world.office.more[system].faults.add(
            down.model_copy(update={"method": use.method, "path": use.path})
        )
        await decided(world, session)
        after = await world.stored(asked["id"])

        assert str(after.status) == ("in_doubt" if system == "docusign" else "failed")
        assert [] == world.effects(after)


async def decided(world: World, session: str) -> dict[str, Any]:
    """The session at its end, with everything in it approved."""
    api, seen = ApiFront(world), set[str]()
    while True:
        found = await world.call("sam", "GET", f"/api/v1/sessions/{session}")
        if found["status"] not in ("running", "waiting"):
            return await over(world, session)
        query = f"/api/v1/requests?session={session}&status=pending"
        for request in (await world.call("sam", "GET", query))["items"]:
            if request["id"] not in seen:
                seen.add(request["id"])
                await api.decide(request, APPROVE)
