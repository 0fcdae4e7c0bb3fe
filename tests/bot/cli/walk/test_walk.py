"""Deciding in a terminal, on the real API: what is shown, what decides, and what never does."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from countersign.approvals.errors import UnavailableError
from countersign.approvals.models import JsonObject
from countersign.approvals.rules.policy import Policy
from countersign.bot.cli.server import Server
from tests.bot.api_world import POLICY, World, running
from tests.bot.cli.walk.walk_world import Played, terminal, walked

pytestmark = pytest.mark.asyncio
BRIBE = {"to": "ceo\u202eevil", "amount": 10}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path, local=True) as started:
        yield started


async def _state(world: World, request: JsonObject) -> Any:
    _, found = await world.call("GET", f"/api/v1/requests/{request['id']}")
    return found


async def _votes(world: World, request: JsonObject) -> list[tuple[str, str]]:
    return [(v["by"], v["verdict"]) for v in (await _state(world, request))["votes"]]


async def test_a_person_approves_rejects_and_edits_in_a_real_terminal(world: World) -> None:
    """One that says 0 columns, as over some ssh; what is typed before the question is dropped."""
    bribe = await world.waiting(BRIBE)
    edited = await world.waiting({"to": "ceo", "amount": 900})
    refused = await world.waiting({"to": "cfo", "amount": 1})

    order = {bribe["id"]: "a", edited["id"]: "e", refused["id"]: "r"}
    async with terminal(world) as screen:
        screen.type("a\na\na\n")  # an impatient person, before anything is shown
        for _ in order:
            shown = await screen.until("q quit> ")
            (known,) = (i for i in order if i in shown)
            assert f"Digest of what is shown: {(await _state(world, {'id': known}))['digest']}" in (
                shown.replace("\r\n    ↪ ", "")
            )
            screen.type(f"{order[known]}\n")
            match order[known]:
                case "a":
                    assert r"ceo\u202eevil" in shown
                    assert "Hidden or look-alike" in shown
                case "r":
                    await screen.until("Why not? The agents read it> ")
                    screen.type("too early\n")
                case "e":
                    await screen.until("Enter to leave> ")
                    screen.type("2\n")
                    await screen.until("Amount> ")
                    screen.type("45\n")
                    assert "2. Amount: 45" in await screen.until("Enter to leave> ")
                    screen.type("d\n")
                    changed = await screen.until("go on editing> ")
                    assert ("- Amount: 900" in changed, "+ Amount: 45" in changed) == (True, True)
                    screen.type("yes\n")
            await screen.until(f"{known} is ")
        status = await screen.end()

    assert (status, "Nothing waits for you." in screen.text) == (0, True)
    assert await _votes(world, bribe) == [("alex", "approve")]
    assert await _votes(world, refused) == [("alex", "reject")]
    after = await _state(world, edited)
    assert (after["status"], after["arguments"]) == ("approved", {"to": "ceo", "amount": 45})


@pytest.mark.parametrize(("keys", "status"), [("a\x04\x04", 3), ("\x03", 130)])
async def test_going_away_decides_nothing(world: World, keys: str, status: int) -> None:
    """The end of the input (Ctrl-D) behind a letter without Enter, and Ctrl-C."""
    request = await world.waiting()
    async with terminal(world, request["id"]) as screen:
        await screen.until("q quit> ")
        screen.type(keys)

        assert await screen.end() == status
    assert await _votes(world, request) == []


async def test_empty_and_unknown_input_decide_nothing(world: World) -> None:
    request = await world.waiting()
    played = Played("", "y", "approve", "A", "r", "", "e", "", "?", "")

    assert await walked(world, played) == 3
    assert await _votes(world, request) == []
    assert played.text.count("Type one of these letters") == 4
    assert played.text.count("Nothing is decided.") == 7


async def test_skipped_ones_are_left_and_said_at_the_end(world: World) -> None:
    await world.waiting()
    await world.waiting()
    played = Played("s", "a")

    assert await walked(world, played) == 3
    assert "1 left undecided." in played.text
    assert ("1 of 2" in played.text, "2 of 2" in played.text) == (True, True)


async def test_quitting_leaves_the_rest(world: World) -> None:
    await world.waiting()

    assert await walked(world, Played("q")) == 3


async def test_what_changed_while_it_was_shown_is_shown_again(world: World) -> None:
    """The vote carries the digest that was shown, so it is not decided by an old screen."""
    world.policies.replace(
        Policy.load(_with(roles=None, stages=[{"roles": ["manager"], "quorum": 2}]))
    )
    request = await world.waiting({"to": "ceo", "amount": 900})
    loop = asyncio.get_running_loop()

    def meanwhile() -> str:
        sent = {"verdict": "modify", "arguments": {"to": "ceo", "amount": 45}}
        vote = world.vote(request, person="megan", **sent)
        assert asyncio.run_coroutine_threadsafe(vote, loop).result()[0] == 200
        return "a"

    played = Played(meanwhile, "a")
    status = await walked(world, played)

    assert "this is how it is now" in played.text
    assert "  + Amount: 45" in played.text
    assert "  approved by Megan Bowen" in played.text
    assert (status, (await _state(world, request))["status"]) == (0, "approved")


async def test_what_others_decide_meanwhile_is_theirs(world: World) -> None:
    request = await world.waiting()
    loop = asyncio.get_running_loop()

    def meanwhile() -> str:
        vote = world.vote(request, person="megan")
        assert asyncio.run_coroutine_threadsafe(vote, loop).result()[0] == 200
        return "a"

    played = Played(meanwhile)

    assert await walked(world, played) == 0
    assert "Megan Bowen" in played.text
    assert await walked(world, again := Played(), only=request["id"]) == 0
    assert f"{request['id']} is approved; there is nothing to decide." in again.text


async def test_errors_stand_at_the_field_and_nothing_is_decided_by_them(world: World) -> None:
    request = await world.waiting()
    played = Played(
        "e", "2", "much", "2", "5000", "d", "9", "1", '""', "d", "2", "7", "d", "", "d", "yes"
    )

    status = await walked(world, played)

    assert "     ! A number is needed." in played.text
    assert "maximum of 1000" in played.text
    assert "There is no such choice." in played.text
    after = await _state(world, request)
    assert (status, after["arguments"]) == (0, {"to": "", "amount": 7})


async def test_an_edit_that_changes_nothing_is_no_vote(world: World) -> None:
    request = await world.waiting()
    played = Played("e", "2", "", "d", "")

    assert await walked(world, played) == 3
    assert "Nothing is changed" in played.text
    assert await _votes(world, request) == []


async def test_all_arguments_can_be_edited_in_an_editor(world: World, tmp_path: Path) -> None:
    """What hides is written out there, what is no JSON object is said, and opened again."""
    request = await world.waiting(BRIBE)
    editor = tmp_path / "editor"
    editor.write_text(
        "#!/bin/sh\n"
        f'cat "$1" >> {tmp_path}/seen; n=$(wc -l < {tmp_path}/runs 2>/dev/null || echo 0)\n'
        f"echo >> {tmp_path}/runs\n"
        'case $n in 0) echo "{oops" > "$1";; 1) echo "[]" > "$1";; '
        '2) echo \'{"to": "cfo", "amount": 3}\' > "$1";; *) exit 1;; esac\n'
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    played = Played("e", "v", "", "", "v", "d", "yes")

    status = await walked(world, played, editor=str(editor))

    assert r"ceo\u202eevil" in (tmp_path / "seen").read_text()
    assert "  ! This is not JSON" in played.text
    assert "  ! This must be a JSON object" in played.text
    assert "The editor has failed; nothing was changed." in played.text
    after = await _state(world, request)
    assert (status, after["arguments"]) == (0, {"to": "cfo", "amount": 3})


async def test_an_edit_in_the_editor_can_be_dropped(world: World) -> None:
    await world.waiting()
    played = Played("e", "v", "", "s")

    assert await walked(world, played, editor="/no/such/editor") == 3
    assert "The editor has failed" in played.text


async def test_the_agent_is_asked_and_the_request_is_shown_again(world: World) -> None:
    request = await world.waiting()
    played = Played("?", "Why so much?", "a")

    assert await walked(world, played) == 0
    assert played.text.count("What exactly would run: send") == 2
    assert "  | Why so much?" in played.text.split("What exactly would run: send")[2]
    assert await _votes(world, request) == [("alex", "approve")]


async def test_a_comment_is_asked_for_where_the_rule_wants_one(world: World) -> None:
    world.policies.replace(Policy.load(_with(comment="required")))
    request = await world.waiting()

    assert await walked(world, Played("a", "")) == 3
    assert await _votes(world, request) == []
    assert await walked(world, approving := Played("a", "seen it")) == 0, approving.text


async def test_what_may_not_be_decided_is_refused_with_the_reason(world: World) -> None:
    request = await world.waiting()
    played = Played("a")

    assert await walked(world, played, person="sam", only=request["id"]) == 3
    assert "You asked for this yourself" in played.text


def _with(**keys: Any) -> JsonObject:
    """The policy with these keys for what is sent."""
    rule = {k: v for k, v in {**POLICY["tools"]["send"], **keys}.items() if v is not None}
    return {**POLICY, "tools": {**POLICY["tools"], "send": rule}}


async def test_a_server_of_another_version_is_not_decided_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this command does not know, it could not show."""
    await world.waiting()
    call = Server.call

    def newer(self: Server, method: str, path: str, body: Any = None) -> Any:
        answer = call(self, method, path, body)
        return answer if "items" in answer else {**answer, "danger": "read this"}

    monkeypatch.setattr(Server, "call", newer)
    with pytest.raises(UnavailableError, match="of another version"):
        await walked(world, Played("a"))


async def test_where_a_proof_of_presence_is_needed_that_is_said_and_nothing_decided(
    world: World,
) -> None:
    world.policies.replace(Policy.load(_with(step_up="5m", grants=None), proofs=True))
    request = await world.waiting()

    assert await walked(world, played := Played("a")) == 3
    assert "This needs a proof that it is you" in played.text
    assert await _votes(world, request) == []
