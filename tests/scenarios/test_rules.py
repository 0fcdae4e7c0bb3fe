"""Rules with conditions in a running server: small amounts run, large ones are asked, and a policy
that is changed in its file rules at once, unless it is broken."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.approvals.rules.policy import version_of
from countersign.approvals.store import open_reader, policy_versions
from countersign.bot.policy import reload
from tests.scenarios.world import REPOSITORY, World, world

pytestmark = pytest.mark.asyncio
TASK = "quote for Contoso, 25 seats"
ASK = {"effect": "require_approval", "tool": "release_quote", "reason": "It binds us."}


def write(path: Path, limit: str, rest: str = "rest", role: str = "sales_manager") -> None:
    """The shipped configuration, with these rules on quotes."""
    document = yaml.safe_load((REPOSITORY / "countersign.yaml").read_text())
    del document["policy"]["tools"]["release_quote"]
    document["policy"]["rules"] = [
        {
            "id": "small",
            "tool": "release_quote",
            "when": f"args.amount <= {limit}",
            "effect": "allow",
        },
        {"id": rest, **ASK, "roles": [role]},
    ]
    path.write_text(yaml.safe_dump(document, sort_keys=False))


async def proposals(app: World, session_id: str) -> list[tuple[str, str, str]]:
    """What the ledger says of each proposed quote: effect, rule, version of the policy."""
    bodies = [e["body"] for e in await app.ledger(session_id) if e["kind"] == "proposed"]
    return [
        (body["effect"], body["rule"], body["policy_version"])
        for body in bodies
        if body["tool"] == "release_quote"
    ]


async def versions(app: World) -> list[Any]:
    """The policies that are stored."""
    async with open_reader(app.settings.database_url) as reader:
        return await reader.read(lambda c: policy_versions.newest(c, limit=9))


async def about_policy(app: World) -> str | None:
    """What `/readyz` says of the policy; it stays ready."""
    status, body = await app.call("GET", "/readyz")
    assert status == 200
    said = body["systems"].get("policy")
    return None if said is None else str(said)


async def test_small_amounts_run_and_large_ones_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    write(file, "1000000")
    async with world(tmp_path, config=file) as app:
        async with app.server():
            small = await app.start("sales_quote", TASK)
            assert "completed" == (await app.over(small))["status"]
            ((effect, rule, version),) = await proposals(app, small)
        quotes = len(app.quotes())
        write(file, "1000")
        assert app.settings.reread is not None
        app.settings = app.settings.reread()
        async with app.server():
            large = await app.start("sales_quote", TASK)
            request = await app.pending(large)
            asked = len(app.quotes())
            await app.vote(request, "approve")
            await app.over(large)
        released = len(app.quotes())

    assert ("allow", "small", 1, 1) == (effect, rule, quotes, asked)
    assert ("rest", "It binds us.") == (request["rule"]["id"], request["rule"]["reason"])
    assert version != request["rule"]["policy_version"]
    assert 2 == released


async def test_a_changed_policy_rules_at_once_and_a_broken_one_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "LOOK_EVERY_S", 0.05)
    file = tmp_path / "c.yaml"
    write(file, "1000")
    async with world(tmp_path, config=file) as app, app.server():
        session_id = await app.start("sales_quote", TASK)
        first = await app.pending(session_id)
        write(file, "1000", role="nobody")
        no_role = await app.eventually(lambda: about_policy(app))
        write(file, "1000")
        file.write_text(re.sub(r"args\.amount", "args.amuont", file.read_text()))
        await app.eventually(lambda: about_policy(app))
        unchanged = await app.request(first["id"])
        write(file, "1000", "other", "account_executive")

        async def asked_again() -> Any:
            now = await app.request(first["id"])
            return now if now["revision"] == 2 else None

        again = await app.eventually(asked_again)
        healed = await about_policy(app)
        await app.vote(again, "approve", person="megan")
        session = await app.over(session_id)
        write(file, "1000000", "other", "account_executive")

        async def third() -> Any:
            found = await versions(app)
            return found if len(found) == 3 else None

        stored = await app.eventually(third)
        small = await app.start("sales_quote", TASK)
        await app.over(small)
        ((effect, rule, version),) = await proposals(app, small)

    assert "c.yaml cannot be used since it was changed" in no_role
    assert ("rest", 1) == (unchanged["rule"]["id"], unchanged["revision"])
    assert ("other", None, "completed") == (again["rule"]["id"], healed, session["status"])
    assert ("allow", "small", stored[0].version) == (effect, rule, version)
    named = {first["rule"]["policy_version"], again["rule"]["policy_version"], version}
    assert named == {each.version for each in stored}
    assert all(version_of(each.document) == each.version for each in stored)


@pytest.mark.usefixtures("both_databases")
async def test_which_policy_began_to_rule_is_on_the_governance_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "LOOK_EVERY_S", 0.05)
    file = tmp_path / "c.yaml"
    write(file, "1000")
    async with world(tmp_path, config=file) as app:

        async def began(count: int) -> Any:
            _, body = await app.call("GET", "/api/v1/ledger/governance")
            assert (True, []) == (body["verified"], body["problems"])
            kinds = [each["kind"] for each in body["items"]]
            assert 1 == kinds.count("people_changed")  # the same at each start
            assert set(kinds) <= {"policy_changed", "people_changed", "sealing_key_changed"}
            found = [each["body"] for each in body["items"] if each["kind"] == "policy_changed"]
            return found if len(found) == count else None

        async with app.server():
            (first,) = await began(1)
            write(file, "2000")
            await app.eventually(lambda: began(2))
            file.write_text(re.sub(r"args\.amount", "args.amuont", file.read_text()))
            await app.eventually(lambda: about_policy(app))
            write(file, "2000")
        async with app.server():  # its settings are still those of the first policy
            third = (await began(3))[-1]
        monkeypatch.setattr(reload, "LOOK_EVERY_S", 999)
        async with app.server(on_hangup=True):
            os.kill(os.getpid(), signal.SIGHUP)
            found = await app.eventually(lambda: began(4))
            _, page = await app.call("GET", "/api/v1/ledger/governance?limit=3")
            _, rest = await app.call("GET", "/api/v1/ledger/governance?after=3")
        async with open_reader(app.settings.database_url) as reader:
            stored = await reader.read(lambda c: policy_versions.newest(c, limit=9))

    small, larger = first["after"], found[1]["after"]
    assert {small, larger} == {each.version for each in stored}
    assert [None, small, larger, small] == [body["before"] for body in found]
    assert [small, larger, small, larger] == [body["after"] for body in found]
    assert ["start", "file", "start", "signal"] == [body["source"] for body in found]
    assert {str(file)} == {body["file"] for body in found}
    assert third == found[2]
    assert ([1, 2, 3], 3) == ([entry["seq"] for entry in page["items"]], page["next"])
    assert 4 == rest["items"][0]["seq"]
    assert rest["next"] is None
