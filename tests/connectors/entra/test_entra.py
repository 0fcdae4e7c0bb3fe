"""Entra through the real clients (MSAL, httpx) over HTTP, against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from pydantic import SecretStr

from countersign.approvals.errors import CursorLostError, UnavailableError
from countersign.approvals.models import DirectoryPage
from countersign.connectors.directories import GroupGrant
from countersign.connectors.entra.graph import Graph
from countersign.connectors.entra.settings import EntraDirectorySettings
from countersign.connectors.entra.source import EntraSource
from countersign.sandbox._faults import Fault
from countersign.sandbox.graph.server import GraphServer
from countersign.sandbox.graph.tenant import CLIENT_ID, CLIENT_SECRET, TENANT_ID


class Reader:
    """A source on the stand-in, and how long it was asked to wait."""

    def __init__(self, server: GraphServer, **changed: str) -> None:
        self.waits: list[float] = []
        values = {
            "tenant_id": TENANT_ID,
            "client_id": CLIENT_ID,
            "client_secret": SecretStr(CLIENT_SECRET),
            "graph_url": server.url,
            "login_url": server.url,
            "groups": {next(iter(server.tenant.groups)): GroupGrant(roles=frozenset({"manager"}))},
            **changed,
        }
        settings = EntraDirectorySettings.model_validate(values)
        self.graph = Graph(settings, sleep=self._sleep)
        self.source = EntraSource(settings, self.graph)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def read(self, cursor: str | None = None) -> tuple[list[DirectoryPage], str]:
        """The pages, and the cursor that came with the last one."""
        pages = [page async for page in self.source.read(cursor)]
        assert pages[-1].cursor is not None
        return pages, pages[-1].cursor


@pytest_asyncio.fixture
async def server() -> AsyncIterator[GraphServer]:
    async with GraphServer.start(page=2, members_page=2) as server:
        tenant = server.tenant
        people = [tenant.add_user(name, f"{name.lower()}@example.com") for name in PEOPLE]
        managers = tenant.add_group("Managers", people[:5])
        tenant.add_group("Everybody", [managers, people[5]])
        yield server


PEOPLE = ("Ann", "Ben", "Cara", "Dave", "Erin", "Fay")


@pytest_asyncio.fixture
async def reader(server: GraphServer) -> AsyncIterator[Reader]:
    reader = Reader(server)
    yield reader
    await reader.source.close()


def names(pages: Sequence[DirectoryPage]) -> list[str | None]:
    return [account.name for page in pages for account in page.accounts]


async def test_all_of_it_is_read_by_pages(server: GraphServer, reader: Reader) -> None:
    pages, _ = await reader.read()
    managers, everybody = server.tenant.groups
    members = [m for page in pages for m in page.memberships]

    assert list(PEOPLE) == names(pages)
    assert {True} == {account.active for page in pages for account in page.accounts}
    assert 5 == sum(m.group_id == managers for m in members)
    assert [managers] == [m.member_id for m in members if m.is_group]
    assert everybody == next(m.group_id for m in members if m.is_group)
    assert max(len(page.accounts) for page in pages) == 2


async def test_later_only_what_has_changed_is_read(server: GraphServer, reader: Reader) -> None:
    _, cursor = await reader.read()
    tenant, (ann, ben, cara, *_) = server.tenant, list(server.tenant.users)
    tenant.change_user(ann, accountEnabled=False)
    tenant.delete("users", ben)
    tenant.leave(next(iter(tenant.groups)), cara)
    pages, cursor = await reader.read(cursor)
    accounts = {a.id: a for page in pages for a in page.accounts}
    gone = {m.member_id for page in pages for m in page.memberships if m.is_gone}

    assert {ann: False, ben: False} == {id_: a.active for id_, a in accounts.items()}
    assert {ben, cara} == gone

    pages, _ = await reader.read(cursor)

    assert 0 == sum(map(len, pages))


async def test_deleted_groups_are_told(server: GraphServer, reader: Reader) -> None:
    _, cursor = await reader.read()
    server.tenant.delete("groups", next(iter(server.tenant.groups)), for_good=True)
    pages, _ = await reader.read(cursor)

    assert [True] == [group.is_gone for page in pages for group in page.groups]


async def test_a_link_that_is_not_known_any_more(server: GraphServer, reader: Reader) -> None:
    _, cursor = await reader.read()
    server.tenant.forget_links()
    with pytest.raises(CursorLostError):
        await reader.read(cursor)
    pages, _ = await reader.read()

    assert list(PEOPLE) == names(pages)


async def test_throttling_is_waited_for_as_we_are_asked(
    server: GraphServer, reader: Reader
) -> None:
    server.faults.fail(429, retry_after_s=7, path="/users/delta")
    server.faults.fail(503, path="/groups/delta")
    pages, _ = await reader.read()

    assert [7.0, 2.0] == reader.waits
    assert list(PEOPLE) == names(pages)


async def test_whoever_asks_for_long_is_asked_again_by_a_later_reading(
    server: GraphServer, reader: Reader
) -> None:
    server.faults.fail(429, retry_after_s=600, path="/users/delta")
    with pytest.raises(UnavailableError) as refused:
        await reader.read()

    assert (600.0, []) == (refused.value.retry_after_s, reader.waits)


async def test_five_failures_are_enough(server: GraphServer, reader: Reader) -> None:
    server.faults.fail(503, times=9, path="/users/delta")
    with pytest.raises(UnavailableError, match="answers 503"):
        await reader.read()

    assert [2.0, 4.0, 8.0, 16.0] == reader.waits


async def test_a_token_that_is_refused_is_asked_for_anew(
    server: GraphServer, reader: Reader
) -> None:
    await reader.read()
    server.expire_tokens()
    pages, _ = await reader.read()

    assert list(PEOPLE) == names(pages)


async def test_a_missing_permission_is_named(server: GraphServer, reader: Reader) -> None:
    server.permitted = False
    with pytest.raises(UnavailableError, match=r"User\.Read\.All and GroupMember\.Read\.All"):
        await reader.read()


async def test_a_wrong_secret_names_the_setting(server: GraphServer) -> None:
    reader = Reader(server, client_secret="wrong")
    with pytest.raises(UnavailableError, match="client_secret_env"):
        await reader.read()
    await reader.source.close()


async def test_an_outage_of_the_sign_in_is_an_outage(server: GraphServer, reader: Reader) -> None:
    server.faults.fail(503, times=5, path="/oauth2/v2.0/token")
    with pytest.raises(UnavailableError, match="no access token now"):
        await reader.read()


async def test_no_link_is_followed_elsewhere(reader: Reader) -> None:
    with pytest.raises(UnavailableError, match="elsewhere"):
        await reader.graph.get("users", "https://graph.example.com/v1.0/users/delta")


async def test_a_dropped_connection_is_an_outage(server: GraphServer, reader: Reader) -> None:
    await reader.read()
    server.faults.fail(500, path="/users/delta")
    server.faults.clear()
    await reader.graph.get("users", "/v1.0/users", {"$top": "1"})
    server.faults.add(server_reset())
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await reader.read()


def server_reset() -> Fault:
    return Fault(kind="reset", times=1, path="/users/delta")


async def test_groups_that_are_not_there_are_found_before_they_matter(
    server: GraphServer, reader: Reader
) -> None:
    before = await reader.source.check()
    server.tenant.delete("groups", next(iter(server.tenant.groups)))
    after = await reader.source.check()

    assert [(True, "can be read"), (True, "is Managers")] == [(r.ok, r.said) for r in before]
    assert [True, False] == [r.ok for r in after]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"value": [{"displayName": "Nobody"}]}, "without a list of objects"),
        ({"value": "none"}, "without a list of objects"),
        ({"value": []}, "without a deltaLink"),
        ({"value": [], "@odata.nextLink": 7}, "again and again"),
    ],
)
async def test_what_graph_would_not_say_is_refused(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, answer: object, says: str
) -> None:
    async def get(*_: object) -> object:
        return answer

    monkeypatch.setattr(reader.graph, "get", get)
    with pytest.raises(UnavailableError, match=says):
        await reader.read()


def test_groups_are_named_by_object_ids() -> None:
    with pytest.raises(ValueError, match="object id"):
        EntraDirectorySettings.model_validate(
            {
                "tenant_id": TENANT_ID,
                "client_id": CLIENT_ID,
                "client_secret": "x",
                "groups": {"Managers": "manager"},
            }
        )


@pytest.mark.parametrize("url", ["http://graph.example.com", "graph.microsoft.com"])
def test_tokens_go_nowhere_in_plain_text(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        EntraDirectorySettings.model_validate(
            {
                "tenant_id": TENANT_ID,
                "client_id": CLIENT_ID,
                "client_secret": "x",
                "groups": {TENANT_ID: "manager"},
                "graph_url": url,
            }
        )
