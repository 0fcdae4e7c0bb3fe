"""Links to the page with all of a request: nobody but us makes one, and none holds for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Executable

from countersign.approvals.errors import ClosedError, StaleDigestError
from countersign.approvals.models import Verdict
from countersign.approvals.read_links import (
    _LINK,
    CONFIRM_S,
    VALID_S,
    BrokenLinkError,
    ExpiredLinkError,
    ReadLinks,
)
from countersign.approvals.store.schema import request_openings
from tests.bot.teams.gallery import NOW, request
from tests.doubles.clock import ManualClock
from tests.doubles.directory import ANNA, BEN, CARA
from tests.doubles.links import KEY, links
from tests.doubles.world import World

WAITS = request()


def token(link: str) -> str:
    return link.rpartition("/")[2]


def made(clock: ManualClock | None = None) -> tuple[ReadLinks, str, ManualClock]:
    """Links, the token of one for Ben, and the clock they go by."""
    clock = clock or ManualClock()
    known = links(clock=clock)
    return known, token(known.personal(WAITS, BEN.id, "teams")), clock


def test_link_says_what_it_is_for() -> None:
    known, ben, clock = made()
    found = known.read(ben)

    assert (WAITS.id, 1, BEN.id, "teams") == (
        found.request_id, found.revision, found.person, found.place
    )  # fmt: skip
    assert found.until <= clock.now() + timedelta(seconds=VALID_S)


def test_link_in_a_ticket_is_the_same_each_time_and_ends_with_the_request() -> None:
    known, _, clock = made()
    once = known.for_ticket(WAITS, "jira")
    clock.advance(60)

    assert once == known.for_ticket(WAITS, "jira")
    assert WAITS.expires_at == ReadLinks(KEY, "", EarlyClock()).read(token(once)).until


class EarlyClock(ManualClock):
    """Before everything."""

    def now(self):  # type: ignore[no-untyped-def]
        return NOW - timedelta(days=1)


def test_no_character_of_a_link_can_be_changed() -> None:
    known, ben, _ = made()
    for at in range(len(ben)):
        for other in ("A", "Z", "_", ".", "=", "é"):
            if ben[at] != other:
                with pytest.raises(BrokenLinkError):
                    known.read(f"{ben[:at]}{other}{ben[at + 1 :]}")


@pytest.mark.parametrize("wrong", ["", ".", "a.b", "a" * 5_000, "bnVsbA.bnVsbA", "\ud800.x"])
def test_what_is_no_link_is_refused(wrong: str) -> None:
    with pytest.raises(BrokenLinkError):
        made()[0].read(wrong)


def test_a_link_of_another_key_and_a_confirmation_are_no_links() -> None:
    known, ben, clock = made()
    other = ReadLinks(b"another key of at least 32 bytes", "", clock)

    for wrong in (token(other.personal(WAITS, BEN.id, "teams")), known.confirmation(ben)):
        with pytest.raises(BrokenLinkError):
            known.read(wrong)


def test_link_expires() -> None:
    known, ben, clock = made()
    clock.advance(VALID_S + 1)

    with pytest.raises(ExpiredLinkError):
        known.read(ben)


def test_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 32"):
        ReadLinks(b"short", "", ManualClock())


def test_confirmation_holds_for_its_link_only_and_not_for_long() -> None:
    known, ben, clock = made()
    cara = token(known.personal(WAITS, CARA.id, "teams"))
    given = known.confirmation(ben)

    assert known.confirms(ben, given)
    assert not known.confirms(cara, given)
    assert not known.confirms(ben, ben)
    assert not known.confirms(ben, "x")
    clock.advance(CONFIRM_S + 1)
    assert not known.confirms(ben, given)


async def test_reading_is_on_the_ledger_once_and_the_view_knows_it(world: World) -> None:
    (asked,) = await world.asked()
    again = [
        await world.approvals.opened(asked.id, BEN.id, revision=1, link="teams") for _ in range(2)
    ]
    view = await world.records.view(asked.id)
    (entry,) = [e for e in await world.records.ledger(asked.session_id) if e.kind == "opened"]

    assert [True, False] == again
    assert view.has_read(BEN)
    assert not view.has_read(CARA)
    assert not view.has_read(None)
    assert {"request": asked.id, "revision": 1, "digest": asked.digest, "by": "ben",
            "link": "teams"} == {k: v for k, v in entry.body.items() if k != "rows"}  # fmt: skip
    assert (await world.records.verify(asked.session_id)).problems == ()


@pytest.mark.parametrize("said", [b"[]", b"{", b'["R-1",1,"ben","teams","soon"]', b"7"])
def test_link_that_an_older_release_made_otherwise_is_none_of_ours(said: bytes) -> None:
    known = links()
    with pytest.raises(BrokenLinkError):
        known.read(known._signed(_LINK, said))


async def test_another_revision_has_to_be_read_anew(world: World) -> None:
    (asked,) = await world.asked("wire")
    await world.approvals.opened(asked.id, BEN.id, revision=1, link="teams")
    edited = {"customer": "Contoso", "amount": 90}
    await world.vote(asked, CARA, Verdict.MODIFY, arguments=edited)

    assert not (await world.records.view(asked.id)).has_read(BEN)
    with pytest.raises(StaleDigestError):
        await world.approvals.opened(asked.id, BEN.id, revision=1, link="teams")


async def test_nothing_is_read_once_it_is_decided(world: World) -> None:
    (asked,) = await world.asked()
    await world.vote(asked, BEN)

    with pytest.raises(ClosedError):
        await world.approvals.opened(asked.id, BEN.id, revision=1, link="teams")
    assert ANNA.id == asked.requester


async def test_reading_that_nobody_did_is_found_by_comparing_with_the_ledger(world: World) -> None:
    (asked,) = await world.asked()
    await world.approvals.opened(asked.id, BEN.id, revision=1, link="teams")

    async def forged(statement: Executable) -> str:
        await world.store.write(lambda c: c.execute(statement))
        return str((await world.records.verify(asked.session_id)).problems)

    row = {"request_id": asked.id, "revision": 1, "principal_id": "cara", "at": "2026"}
    inserted = await forged(request_openings.insert().values(row))
    mine = request_openings.c.principal_id == BEN.id
    changed = await forged(request_openings.update().where(mine).values(at="2027"))
    deleted = await forged(request_openings.delete().where(mine))

    assert f"request_openings {asked.id} / 1 / cara: is not on the ledger" in inserted
    assert f"request_openings {asked.id} / 1 / ben, column at" in changed
    assert f"request_openings {asked.id} / 1 / ben: is on the ledger, but not in" in deleted
