"""Searching the Jira stand-in: JQL, pages, the index that lags, and what is refused."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from jira import JIRA, JIRAError

from countersign.sandbox.jira import Jira
from countersign.sandbox.jira.jql_match import Matcher
from tests.sandbox.jira_clients import account, http, with_package

PATH = "/rest/api/3/search/jql"


async def found(jira: Jira, jql: str, login: str = "bot", **params: Any) -> list[str]:
    """The keys of the first page."""
    async with http(jira, login) as client:
        answer = await client.get(PATH, params={"jql": jql, "fields": "summary", **params})
    assert 200 == answer.status_code, answer.text
    return [issue["key"] for issue in answer.json()["issues"]]


def populate(jira: Jira) -> None:
    """OPS-1 labelled and approved, OPS-2 rejected, OPS-3 bare and assigned to Sam."""
    bot, alex = jira.as_person("bot"), jira.as_person("alex")
    bot.create("OPS", "First quote", labels=["hitl", "hitl-1"], priority={"name": "High"})
    bot.create("OPS", "Second", labels=["hitl", "hitl-2"], assignee={"accountId": "712020:alex"})
    bot.create("OPS", "Third", assignee={"accountId": "712020:sam"})
    alex.transition("OPS-1", "Approved")
    alex.transition("OPS-2", "Rejected")


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("project = OPS ORDER BY key ASC", ["OPS-1", "OPS-2", "OPS-3"]),
        ('project = "Operations approvals" ORDER BY key', ["OPS-1", "OPS-2", "OPS-3"]),
        ("project in (OPS, 10001) ORDER BY id", ["HELP-1", "OPS-1", "OPS-2", "OPS-3"]),
        ("project != OPS", ["HELP-1"]),
        ('labels = "hitl-1"', ["OPS-1"]),
        ("labels = hitl-1", ["OPS-1"]),
        ("labels = nothing", []),
        # What has no label is not found by a negation either.
        ("labels != hitl-1 ORDER BY key", ["HELP-1", "OPS-2"]),
        ("labels not in (hitl-1, hardware)", ["OPS-2"]),
        ("NOT labels = hitl-1 ORDER BY key", ["HELP-1", "OPS-2", "OPS-3"]),
        ("labels is EMPTY", ["OPS-3"]),
        ("labels = EMPTY", ["OPS-3"]),
        ("labels is not empty AND project = OPS ORDER BY key", ["OPS-1", "OPS-2"]),
        ("status = 10002", ["OPS-1"]),
        ('status = "approved"', ["OPS-1"]),
        ("status in (10002, 10003) ORDER BY key DESC", ["OPS-2", "OPS-1"]),
        ("statusCategory = Done", ["OPS-2"]),
        ('project = OPS AND statusCategory in ("To Do", indeterminate) ORDER BY key',
         ["OPS-1", "OPS-3"]),
        ("assignee = 712020:alex", ["OPS-2"]),
        ("assignee = currentUser()", []),
        ("assignee is EMPTY AND project = OPS", ["OPS-1"]),
        ("reporter = 712020:sam", ["HELP-1"]),
        ("priority = High", ["OPS-1"]),
        ("issuetype = Task AND summary ~ quote", ["OPS-1"]),
        ("project = OPS AND summary !~ quote ORDER BY summary", ["OPS-2", "OPS-3"]),
        ("key in (OPS-2, OPS-1) ORDER BY priority, key", ["OPS-1", "OPS-2"]),
        ("issuekey = ops-3", ["OPS-3"]),
        ("project = OPS AND (status = Approved OR assignee = 712020:sam) ORDER BY created",
         ["OPS-1", "OPS-3"]),
        ("project = OPS AND updated >= -5m AND created <= now() ORDER BY updated",
         ["OPS-3", "OPS-1", "OPS-2"]),
        ("project = OPS AND updated < -1d", []),
        ("project = OPS AND created > '-1w 2d' AND status = Pending", ["OPS-3"]),
        ("project = OPS AND created >= 1d", []),
        ("project = OPS AND created is not EMPTY AND status = Pending", ["OPS-3"]),
        ("project = OPS AND updated >= '2020/01/01 00:00' AND status = Pending", ["OPS-3"]),
        ("project = OPS AND updated <= 2020-01-01", []),
        ("project = OPS AND updated = '2020-01-01 10:00'", []),
        ('project = OPS AND updated not in ("2020/01/01") AND status = Pending', ["OPS-3"]),
    ],
)  # fmt: skip
async def test_query_finds(jql: str, keys: list[str]) -> None:
    async with Jira.start() as jira:
        populate(jira)

        assert keys == await found(jira, jql)


@pytest.mark.parametrize(
    ("jql", "words"),
    [
        ("colour = red", "Field 'colour' does not exist or you do not have permission to view it."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = 99", "A value with ID '99' does not exist for the field 'status'."),
        ("status = Blocked", "The value 'Blocked' does not exist for the field 'status'."),
        ("statusCategory = Odd", "'statusCategory'"),
        ("assignee = alex", "does not exist for the field 'assignee'"),
        ("labels >= a", "The operator '>=' is not supported by the 'labels' field."),
        ("key in (OPS-1, OPS-99)", "An issue with key 'OPS-99' does not exist"),
        ("id in (10101, 99999)", "A value with ID '99999' does not exist"),
        ("updated >= yesterday", "Date value 'yesterday' for field 'updated' is invalid."),
        ("updated >= '2026-11-25 10:00:30'", "is invalid"),
        ("project", "Expecting operator but got ''."),
        ("project = ", "Expecting either a value"),
        ("project = and", "quotation marks"),
        ("= OPS", "Expecting a field name"),
        ("project = OPS project = OPS", "Expecting either 'OR' or 'AND'"),
        ("(project = OPS", "Expecting ')'"),
        ("project in OPS", "Expecting '('"),
        ("project in (OPS", "Expecting ')'"),
        ("assignee = currentUser(x", "function"),
        ("project = OPS ORDER key", "Expecting 'BY'"),
        ("project = OPS ORDER BY =", "Expecting a field name"),
        ("project = OPS ORDER BY colour", "Field 'colour'"),
        ("summary ~ a.b", "reserved JQL character"),
        ('project = "OPS', "cannot be read"),
        ("", "Unbounded JQL queries are not allowed here."),
        ("ORDER BY created", "Unbounded JQL queries are not allowed here."),
    ],
)
async def test_query_is_refused_in_jiras_words(jql: str, words: str) -> None:
    async with Jira.start() as jira, http(jira) as client:
        populate(jira)
        answer = await client.get(PATH, params={"jql": jql})

    assert 400 == answer.status_code
    assert words in answer.json()["errorMessages"][0]


async def test_dates_without_a_zone_are_in_the_callers() -> None:
    async with Jira.start() as jira:
        populate(jira)
        megan = account("megan")
        utc = Matcher(jira.site, account("bot"))._moment("updated", "2026-11-25 10:00")
        new_york = Matcher(jira.site, megan)._moment("updated", "2026-11-25 10:00")

    assert 5 * 3600 == (new_york - utc).total_seconds()


async def test_old_search_is_gone() -> None:
    async with Jira.start() as jira, http(jira) as client:
        answers = [
            await client.get("/rest/api/2/search", params={"jql": "project = OPS"}),
            await client.post("/rest/api/3/search", json={"jql": "project = OPS"}),
        ]

    assert [410, 410] == [answer.status_code for answer in answers]
    assert "#CHANGE-2046" in answers[0].json()["errorMessages"][0]


async def test_only_ids_come_unless_fields_are_asked_for() -> None:
    async with Jira.start() as jira, http(jira) as client:
        answer = (await client.get(PATH, params={"jql": "project = HELP"})).json()

    assert {"issues": [{"id": "10101"}], "isLast": True} == answer


async def test_pages_follow_tokens_that_belong_to_one_query() -> None:
    async with Jira.start() as jira, http(jira) as client:
        for number in range(5):
            jira.as_person("bot").create("OPS", str(number))
        body: dict[str, Any] = {"jql": "project = OPS", "maxResults": 2, "fields": ["summary"]}
        keys, pages = [], 0
        while True:
            page = (await client.post(PATH, json=body)).json()
            keys += [issue["key"] for issue in page["issues"]]
            pages += 1
            assert "total" not in page
            if page["isLast"]:
                break
            body["nextPageToken"] = page["nextPageToken"]
        other = await client.post(PATH, json={**body, "jql": "project = HELP"})
        nonsense = await client.post(PATH, json={**body, "nextPageToken": "abc"})

    assert (3, ["OPS-5", "OPS-4", "OPS-3", "OPS-2", "OPS-1"]) == (pages, keys)
    assert "nextPageToken" not in page
    assert (400, 400) == (other.status_code, nonsense.status_code)


@pytest.mark.parametrize(
    "more",
    [
        {"properties": None},
        {"properties": ["1", "2", "3", "4", "5", "6"]},
        {"maxResults": -1},
        {"reconcileIssues": list(range(51))},
        {"reconcileIssues": ["x"]},
        {"startAt": 0},
    ],
)
async def test_refuses_parameters_out_of_bounds(more: dict[str, Any]) -> None:
    async with Jira.start() as jira, http(jira) as client:
        answer = await client.post(PATH, json={"jql": "project = OPS", **more})

    assert 400 == answer.status_code


async def test_package_reads_200_issues_with_changelog_in_two_calls() -> None:
    def work(client: JIRA) -> list[Any]:
        client.search_issues("project = HELP", fields="status")
        jira.forget_requests()
        return list(
            client.search_issues("project = OPS", fields="status", expand="changelog", maxResults=0)
        )

    async with Jira.start() as jira:
        for number in range(200):
            jira.as_person("bot").create("OPS", str(number))
        issues = await with_package(jira, work)

        assert 200 == len({issue.key for issue in issues})
        assert 2 == jira.calls("GET", "/search/jql")


@pytest.mark.parametrize(("expand", "size"), [("changelog", 100), ("", 101)])
async def test_page_with_changelog_holds_at_most_100(expand: str, size: int) -> None:
    async with Jira.start() as jira, http(jira) as client:
        for number in range(101):
            jira.as_person("bot").create("OPS", str(number))
        params = {"jql": "project = OPS", "maxResults": "5000", "expand": expand}
        page = (await client.get(PATH, params=params)).json()

    assert (size, size == 101) == (len(page["issues"]), page["isLast"])


async def test_expanded_changelog_holds_only_the_newest_and_tells_the_total() -> None:
    async with Jira.start() as jira, http(jira) as client:
        jira.site.changelog_limit = 2
        key = jira.as_person("bot").create("OPS", "0")
        for number in range(1, 5):
            jira.as_person("bot").edit(key, {"summary": str(number)})
        params = {"jql": "project = OPS", "expand": "changelog", "fields": "summary"}
        (issue,) = (await client.get(PATH, params=params)).json()["issues"]

    changelog = issue["changelog"]
    assert (4, 2) == (changelog["total"], changelog["maxResults"])
    assert ["4", "3"] == [h["items"][0]["toString"] for h in changelog["histories"]]


async def test_properties_come_with_a_search() -> None:
    async with Jira.start() as jira, http(jira) as client:
        key = jira.as_person("bot").create("OPS", "S")
        await client.put(f"/rest/api/2/issue/{key}/properties/hitl", json={"id": 1})
        params = {"jql": "project = OPS", "properties": "hitl"}
        (issue,) = (await client.get(PATH, params=params)).json()["issues"]

    assert {"hitl": {"id": 1}} == issue["properties"]


async def test_search_hears_late_of_new_changed_and_deleted_issues() -> None:
    async with Jira.start() as jira, http(jira) as client:
        alex = jira.as_person("alex")
        old = jira.as_person("bot").create("OPS", "old", labels=["old"])
        gone = jira.as_person("bot").create("OPS", "gone", labels=["gone"])
        jira.index_lag_s = 0.5
        # Wait until the index has heard of these two.
        deadline = time.monotonic() + 5
        while await found(jira, "labels in (old, gone)") != [gone, old]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        jira.index_lag_s = 60
        new = jira.as_person("bot").create("OPS", "new", labels=["new"])
        alex.transition(old, "Approved")
        alex.delete(gone)

        assert [] == await found(jira, "labels = new")
        assert [] == await found(jira, "status = Approved")
        # Read by key it is what it is.
        read = (await client.get(f"/rest/api/2/issue/{old}")).json()
        assert "10002" == read["fields"]["status"]["id"]
        # Reconciled issues are as they are, the rest still lags.
        assert [old] == await found(jira, "status = Approved", reconcileIssues=read["id"])
        jira.index_lag_s = 0

        assert [new] == await found(jira, "labels = new")
        assert [old] == await found(jira, "status = Approved")
        assert [] == await found(jira, "labels = gone")


async def test_search_shows_only_what_the_caller_may_browse() -> None:
    async with Jira.start() as jira, http(jira) as client:
        jira.as_person("alex").create("OPS", "S")
        jira.site.access.grant("bot", "OPS", set())
        unknown = await client.get(PATH, params={"jql": "project = OPS"})

        assert ["HELP-1"] == await found(jira, "created >= -1d")
        assert 400 == unknown.status_code


async def test_package_without_server_info_runs_into_the_removed_search() -> None:
    def work(client: JIRA) -> int | None:
        client._session.headers  # noqa: B018 the client is connected
        client.deploymentType = None
        with pytest.raises(JIRAError) as caught:
            client.search_issues("project = OPS")
        return int(caught.value.status_code or 0)

    async with Jira.start() as jira:
        assert 410 == await with_package(jira, work)
