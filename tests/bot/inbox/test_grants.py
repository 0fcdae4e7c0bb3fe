"""Grants on the pages: given while one approves, within what the rule permits; listed, revoked."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from countersign.approvals.errors import InvalidError
from countersign.approvals.models import Terms, Used
from countersign.bot.inbox.granting import terms_of
from countersign.bot.inbox.grants import share_of, state_of
from tests.bot.inbox_world import inbox


async def test_a_grant_is_given_with_an_approval_listed_and_revoked(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting({"to": "ceo", "amount": 10})
        path = f"/inbox/requests/{request['id']}"
        alex, adele = await world.signed_in("alex"), await world.signed_in("adele")
        assert "Approve, and the next ones" not in await adele.open(path)
        text = await alex.open(path)
        for shown in ("at most 20", "at most 500", "alike in to"):
            assert shown in text, shown
        vote = {"digest": request["digest"], "verdict": "grant", "grant.total": "100"}
        for wrong, said in (
            ({"grant.uses": "many"}, "as a whole number"),
            ({"grant.uses": "21"}, "Nothing was granted"),
            ({"grant.when": "args.amount >"}, "when:"),
        ):
            await alex.send(f"{path}/votes", **vote, **wrong)
            assert alex.status == 422
            assert said in alex.text
            assert 'value="100"' in alex.text
        await alex.send(f"{path}/votes", **vote, again="1")
        assert "signed in again" in alex.text
        assert await world.api.records.grants() == []

        await alex.send(
            f"{path}/votes", **vote, **{"grant.uses": "5", "grant.when": "args.amount < 50.0"}
        )
        assert "calls that are alike are granted" in alex.text
        assert "the next 5" in await adele.open("/inbox/rules")
        text = await adele.open("/inbox/rules/grants")
        for shown in (
            "the next 5", "up to 100", "args.amount &lt; 50.0", "Alex Wilber", request["id"],
            "not used", "ceo",
        ):  # fmt: skip
            assert shown in text, shown
        assert "/revocation" not in text
        (revoke,) = re.findall(
            r"/inbox/rules/grants/[^/]+/revocation", await alex.open("/inbox/rules/grants")
        )
        await adele.send(revoke)
        assert adele.status == 403
        await alex.send(revoke, again="1")
        assert "signed in again" in alex.text
        await alex.send(revoke)
        assert "The grant is revoked." in alex.text
        assert "Nothing is granted." in alex.text
        text = await alex.open("/inbox/rules/grants?all=1")
        assert ("Revoked by" in text, "/revocation" in text) == (True, False)


async def test_a_grant_says_how_far_it_is_used_and_that_it_has_ended(tmp_path: Path) -> None:
    async with inbox(tmp_path) as world:
        request = await world.api.waiting({"to": "ceo", "amount": 10})
        await world.api.vote(request, grant={"uses": 1, "for_s": 3600.0})
        ((grant, _),) = await world.api.records.grants()
        used, more = Used(uses=1), grant.model_copy(update={"uses": 4, "total": Decimal(10)})
        assert ("used up", 1.0) == (state_of(grant, used, is_over=False), share_of(grant, used))
        assert ("", 0.5) == (
            state_of(more, Used(uses=1, total=Decimal(5)), is_over=False),
            share_of(more, Used(uses=1, total=Decimal(5))),
        )
        part = grant.model_copy(update={"complete": False})
        assert "not complete yet" == state_of(part, Used(), is_over=False)
        world.api.clock.advance(minutes=61)
        alex = await world.signed_in("alex")
        assert "Nothing is granted." in await alex.open("/inbox/rules/grants")
        assert "has ended" in await alex.open("/inbox/rules/grants?all=1")


def test_what_is_typed_into_the_fields_of_a_grant_is_read() -> None:
    typed = {"grant.uses": " 5 ", "grant.for": "4h", "grant.total": "99.90", "grant.when": ""}
    span = timedelta(hours=4).total_seconds()

    assert Terms(uses=5, for_s=span, total=Decimal("99.90")) == terms_of(typed)
    assert Terms() == terms_of({})
    for wrong in ({"grant.uses": "0"}, {"grant.for": "4"}, {"grant.total": "much"}):
        with pytest.raises(InvalidError):
            terms_of(wrong)
