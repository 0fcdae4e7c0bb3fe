"""What was done by hand, and what was wrong, on the page of a request, the API, and in German."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from countersign.approvals.rules.policy import Policy
from tests.bot.api_world import POLICY
from tests.bot.inbox_world import inbox

SHADOW = {"tools": {"send": {"effect": "shadow", "roles": ["manager"]}}}


def path(request: dict[str, Any]) -> str:
    return f"/inbox/requests/{request['id']}"


async def shadowed(world: Any, **arguments: Any) -> dict[str, Any]:
    world.api.policies.replace(Policy.load(SHADOW))
    found: dict[str, Any] = await world.api.waiting(arguments or {"to": "ceo", "amount": 10})
    return found


async def test_what_was_done_by_hand_is_typed_beside_what_was_proposed(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await shadowed(world)
        sam = await world.signed_in("sam")
        assert "What did you do by hand?" not in await sam.open(path(request))
        alex = await world.signed_in("alex")
        assert "What did you do by hand?" in await alex.open(path(request))
        typed = {"did": "this", "arg.to": "ceo", "arg.amount": "many", "text": "By mail."}
        await alex.send(f"{path(request)}/by-hand", **typed)
        assert alex.status == 422
        assert 'value="many"' in alex.text
        assert "By mail." in alex.text

        await alex.send(f"{path(request)}/by-hand", **{**typed, "arg.amount": "12"})
        assert alex.path == f"{path(request)}?said=by-hand"
        assert "What you did is on the record." in alex.text
        assert "Alex Wilber did it by hand otherwise: amount." in alex.text
        assert "By mail." in alex.text
        assert "What did you do by hand?" not in alex.text
        _, body = await world.api.call("GET", f"/api/v1/requests/{request['id']}")
        (said,) = body["hindsights"]
        assert ("by_hand", "alex", "inbox", False, ["amount"], 12) == (
            said["kind"], said["by"], said["via"], said["agrees"], said["differs"],
            said["arguments"]["amount"],
        )  # fmt: skip


async def test_nothing_was_to_be_done_and_whoever_is_second_reads_who_was_first(
    tmp_path: Path,
) -> None:
    async with inbox(tmp_path) as world:
        request = await shadowed(world)
        alex = await world.signed_in("alex")
        await alex.open(path(request))
        await alex.send(f"{path(request)}/by-hand", did="nothing")
        assert "Alex Wilber found that nothing was to be done." in alex.text
        await alex.send(f"{path(request)}/by-hand", did="this")
        assert alex.status == 409
        assert "Alex Wilber recorded what was done" in alex.text


async def test_what_has_run_is_marked_as_wrong(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.done()
        alex = await world.signed_in("alex")
        assert "This was wrong" in await alex.open(path(request))
        await alex.send(f"{path(request)}/wrong", reason=" ")
        assert (alex.status, "Say why it was wrong" in alex.text) == (422, True)
        await alex.send(f"{path(request)}/wrong", reason="Sent twice.")
        assert "Alex Wilber says that this was wrong." in alex.text
        assert "Sent twice." in alex.text
        assert "This was wrong</summary>" not in alex.text


async def test_what_is_typed_while_the_session_ends_is_kept(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await shadowed(world)
        alex = await world.signed_in("alex")
        await alex.open(path(request))
        world.api.clock.advance(hours=2)
        await alex.send(f"{path(request)}/by-hand", did="this", text="By mail.")
        assert alex.status == 401
        kept = {name: alex.hidden(name) for name in ("did", "text")}
        await alex.sign_in("alex")
        assert kept == {"did": "this", "text": "By mail."}


async def test_the_api_takes_both_with_its_own_words(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await shadowed(world)
        by_hand = f"/api/v1/requests/{request['id']}/by-hand"
        wrong = f"/api/v1/requests/{request['id']}/wrong"
        call = world.api.call
        status, said = await call("POST", by_hand, person="alex", json={"text": "x"})
        assert (422, True) == (status, "arguments" in str(said["errors"]))
        status, said = await call("POST", by_hand, person="sam", json={"arguments": None})
        assert (403, True) == (status, "somebody else" in said["detail"])
        same = {"arguments": request["arguments"]}
        status, body = await call("POST", by_hand, person="alex", json=same)
        assert (200, True) == (status, body["hindsights"][0]["agrees"])
        status, said = await call("POST", by_hand, person="alex", json=same)
        assert (409, True) == (status, "Alex Wilber recorded" in said["detail"])
        status, said = await call("POST", wrong, person="alex", json={"reason": "No."})
        assert (409, True) == (status, "only what has run" in said["detail"])
        world.api.policies.replace(Policy.load(POLICY))
        done = await world.api.done()
        wrong = f"/api/v1/requests/{done['id']}/wrong"
        status, body = await call("POST", wrong, person="alex", json={"reason": "No."})
        assert (200, "No.") == (status, body["hindsights"][0]["text"])
        status, _ = await call("POST", "/api/v1/requests/R-0/wrong", json={"reason": "No."})
        assert status == 404
