"""Members of Jira's groups, through the real package over HTTP, against the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from countersign.approvals.errors import UnavailableError
from countersign.connectors.directories import JiraGroupsSection
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.groups import JiraGroups
from countersign.sandbox.jira.people import ALEX, Account
from countersign.sandbox.jira.server import Jira
from countersign.sandbox.jira.site import Deployment
from tests.contracts.tickets_jira import settings

MANAGERS = "276f955c-63d7-42c8-9520-92d01dca0625"
EVERYBODY = "6e87dc72-4f1f-421f-9382-2fee8b652487"


def member(number: int) -> Account:
    """Somebody whose login is one letter, so that no two have the same key on Data Center."""
    login = chr(ord("\u4e00") + number)
    return Account(login, f"712020:p{number}", f"P {number}", f"p{number}@example.com")


@asynccontextmanager
async def groups(jira: Jira, *names: str) -> AsyncIterator[JiraGroups]:
    section = JiraGroupsSection.model_validate({"groups": dict.fromkeys(names, "manager")})
    source = JiraGroups(JiraClient(settings(jira)), settings(jira), section)
    yield source
    await source.close()


@pytest.mark.parametrize(
    ("deployment", "names"),
    [("Cloud", (MANAGERS, EVERYBODY)), ("Server", ("sales-managers", "everybody"))],
)
async def test_members_are_read_by_pages_with_those_who_are_deactivated(
    deployment: Deployment, names: tuple[str, ...]
) -> None:
    async with Jira.start(deployment=deployment) as jira:
        for number in range(120):
            jira.site.directory.add(member(number), "everybody")
        jira.site.directory.inactive.add("712020:p7")
        async with groups(jira, *names) as source:
            pages = [page async for page in source.read(None)]
            results = await source.check()
    members = [m for page in pages for m in page.memberships]
    asleep = [a.name for page in pages for a in page.accounts if not a.active]
    alex = ALEX.account_id if deployment == "Cloud" else ALEX.user_key

    assert [alex] == [m.member_id for m in members if m.group_id == names[0]]
    assert 125 == len({m.member_id for m in members if m.group_id == names[1]})
    assert ["P 7"] == asleep
    assert 4 == len(pages)
    assert ["has 1 members", "has 125 members"] == [result.said for result in results]


async def test_a_group_that_is_not_there_is_named() -> None:
    async with Jira.start(deployment="Cloud") as jira, groups(jira, "nothing") as source:
        with pytest.raises(UnavailableError, match="no group nothing"):
            [page async for page in source.read(None)]


async def test_a_group_that_changes_while_it_is_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Jira.start(deployment="Cloud") as jira:
        for number in range(60):
            jira.site.directory.add(member(number), "everybody")
        async with groups(jira, EVERYBODY) as source:
            starts, ask = [], source._members

            async def members(group: str, start: int) -> dict[str, object]:
                starts.append(start)
                if len(starts) in moves:
                    jira.site.directory.groups[1].members.pop()
                return await ask(group, start)

            monkeypatch.setattr(source, "_members", members)
            moves = {2}
            pages = [page async for page in source.read(None)]

            assert [0, 50, 0, 50] == starts
            assert 64 == len({m.member_id for page in pages[1:] for m in page.memberships})

            starts.clear()
            moves = {2, 4, 6}
            with pytest.raises(UnavailableError, match="changes while it is read"):
                [page async for page in source.read(None)]


@pytest.mark.parametrize("answer", [[], {"values": None}, {"values": [{"name": "x"}]}])
async def test_what_jira_would_not_say_is_refused(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Jira.start(deployment="Cloud") as jira, groups(jira, MANAGERS) as source:

        async def get(*_: object, **__: object) -> object:
            return answer

        monkeypatch.setattr(source._client, "get", get)
        with pytest.raises(UnavailableError, match="Jira gave"):
            [page async for page in source.read(None)]
