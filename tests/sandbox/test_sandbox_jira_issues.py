"""Issues on the Jira stand-in: what may be created and edited, and what the changelog says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from jira import JIRA

from countersign.sandbox.jira import Jira
from tests.sandbox.jira_clients import http, new_issue, with_package

DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [
        {
            "type": "heading",
            "attrs": {"level": 2},
            "content": [{"type": "text", "text": "What"}],
        },
        {
            "type": "paragraph",
            "content": [
                {"type": "text", "text": "bold", "marks": [{"type": "strong"}]},
                {"type": "hardBreak"},
                {"type": "text", "text": "x", "marks": [{"type": "code"}]},
                {"type": "mention", "attrs": {"id": "712020:alex", "text": "@Alex"}},
                {"type": "inlineCard", "attrs": {"url": "https://example.com/a"}},
                {
                    "type": "text",
                    "text": "here",
                    "marks": [{"type": "link", "attrs": {"href": "https://example.com"}}],
                },
            ],
        },
        {
            "type": "bulletList",
            "content": [
                {
                    "type": "listItem",
                    "content": [
                        {"type": "paragraph", "content": [{"type": "text", "text": "one"}]},
                        {
                            "type": "orderedList",
                            "content": [
                                {
                                    "type": "listItem",
                                    "content": [
                                        {
                                            "type": "paragraph",
                                            "content": [{"type": "text", "text": "deep"}],
                                        }
                                    ],
                                }
                            ],
                        },
                    ],
                }
            ],
        },
        {
            "type": "table",
            "content": [
                {
                    "type": "tableRow",
                    "content": [
                        {
                            "type": "tableHeader",
                            "content": [
                                {"type": "paragraph", "content": [{"type": "text", "text": "A"}]}
                            ],
                        }
                    ],
                },
                {
                    "type": "tableRow",
                    "content": [
                        {
                            "type": "tableCell",
                            "content": [
                                {"type": "paragraph", "content": [{"type": "text", "text": "1"}]}
                            ],
                        }
                    ],
                },
            ],
        },
        {"type": "codeBlock", "content": [{"type": "text", "text": "{}"}]},
        {"type": "rule"},
        {
            "type": "blockquote",
            "content": [{"type": "paragraph", "content": [{"type": "text", "text": "said"}]}],
        },
    ],
}
AS_TEXT = """h2. What

*bold*
{{x}}[~accountid:712020:alex]https://example.com/a[here|https://example.com]

* one
*# deep

||A||
|1|

{noformat}{}{noformat}

----

said"""


async def test_package_creates_reads_edits_and_assigns() -> None:
    def work(client: JIRA) -> dict[str, Any]:
        issue = client.create_issue(
            fields=new_issue(labels=["b", "a"], description="h2. Why", duedate="2026-12-01")[
                "fields"
            ]
        )
        client.assign_issue(issue, "alexw@example.com")
        issue.update(fields={"summary": "Changed", "labels": ["a", "c"]})
        client.add_comment(issue, "One *word*")
        found: dict[str, Any] = client.issue(issue.key, expand="changelog,transitions").raw
        return found

    async with Jira.start() as jira:
        raw = await with_package(jira, work)

    assert ("10001", ["a", "c"], "Changed") == (
        raw["fields"]["status"]["id"],
        raw["fields"]["labels"],
        raw["fields"]["summary"],
    )
    assert ("h2. Why", "2026-12-01") == (raw["fields"]["description"], raw["fields"]["duedate"])
    assert "712020:alex" == raw["fields"]["assignee"]["accountId"]
    assert ["One *word*"] == [c["body"] for c in raw["fields"]["comment"]["comments"]]
    # The newest first on Cloud; labels have no ids, a person has.
    newest, assigned = raw["changelog"]["histories"]
    assert {"summary", "labels"} == {item["fieldId"] for item in newest["items"]}
    labels = next(item for item in newest["items"] if item["field"] == "labels")
    assert {
        "field": "labels",
        "fieldtype": "jira",
        "fieldId": "labels",
        "from": None,
        "fromString": "a b",
        "to": None,
        "toString": "a c",
    } == labels
    assert ("712020:alex", "Alex Wilber", "712020:approvals-bot") == (
        assigned["items"][0]["to"],
        assigned["items"][0]["toString"],
        assigned["author"]["accountId"],
    )
    assert {"11", "21", "31", "41"} == {t["id"] for t in raw["transitions"]}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"summary": ""}, "summary", "You must specify a summary"),
        ({"summary": "a\nb"}, "summary", "newline"),
        ({"summary": "x" * 256}, "summary", "255"),
        ({"summary": 1}, "summary", "must be a string"),
        ({"description": DOCUMENT}, "description", "must be a string"),
        ({"description": "x" * 32_768}, "description", "32,767"),
        ({"labels": ["a b"]}, "labels", "contains spaces"),
        ({"labels": ["x" * 256]}, "labels", "255"),
        ({"labels": "a"}, "labels", "array"),
        ({"project": {"key": "NOPE"}}, "project", "valid project"),
        ({"project": None}, "project", "valid project"),
        ({"issuetype": {"name": "Epic"}}, "issuetype", "valid issue type"),
        ({"issuetype": None}, "issuetype", "issue type"),
        ({"assignee": {"name": "alex"}}, "assignee", "accountId"),
        ({"assignee": {"accountId": "712020:nobody"}}, "assignee", "does not exist"),
        ({"customfield_10040": {"accountId": "712020:alex"}}, "customfield_10040", "array"),
        ({"customfield_10051": {"value": "Enormous"}}, "customfield_10051", "not valid"),
        ({"priority": {"name": "Urgent"}}, "priority", "priority"),
        ({"duedate": "tomorrow"}, "duedate", "date"),
        ({"customfield_99999": "x"}, "customfield_99999", "appropriate screen"),
        ({"status": {"id": "10002"}}, "status", "appropriate screen"),
    ],
)
async def test_refuses_a_wrong_field_by_its_name_and_creates_nothing(
    fields: dict[str, Any], field: str, words: str
) -> None:
    async with Jira.start() as jira, http(jira) as client:
        answer = await client.post("/rest/api/2/issue", json=new_issue(**fields))

        assert 400 == answer.status_code
        assert {field} == set(answer.json()["errors"])
        assert words in answer.json()["errors"][field]
        assert ["HELP-1"] == [issue["key"] for issue in jira.issues()]


async def test_reports_every_wrong_field_at_once() -> None:
    async with Jira.start() as jira, http(jira) as client:
        jira.site.required_fields = {"customfield_10060"}
        body = new_issue(summary=None, labels=["a b"], customfield_1="x")
        answer = await client.post("/rest/api/2/issue", json=body)

    assert {"summary", "labels", "customfield_1", "customfield_10060"} == set(
        answer.json()["errors"]
    )
    assert "Cost centre is required." == answer.json()["errors"]["customfield_10060"]


@pytest.mark.parametrize("body", ["{", "[]", '"x"', '{"fields": {}, "extra": 1}', "{}"])
async def test_refuses_a_body_that_is_no_issue(body: str) -> None:
    async with Jira.start() as jira, http(jira) as client:
        answer = await client.post("/rest/api/3/issue", content=body)

    assert 400 == answer.status_code


async def test_properties_come_with_the_issue_and_are_read_back() -> None:
    async with Jira.start() as jira, http(jira) as client:
        body = {**new_issue(), "properties": [{"key": "hitl", "value": {"id": "r1"}}]}
        key = (await client.post("/rest/api/2/issue", json=body)).json()["key"]
        put = await client.put(f"/rest/api/2/issue/{key}/properties/more", json=[1])
        again = await client.put(f"/rest/api/2/issue/{key}/properties/more", json=[2])
        keys = (await client.get(f"/rest/api/2/issue/{key}/properties")).json()["keys"]
        one = (await client.get(f"/rest/api/2/issue/{key}/properties/more")).json()
        none = await client.get(f"/rest/api/2/issue/{key}/properties/nope")
        read = (
            await client.get(f"/rest/api/2/issue/{key}", params={"properties": "hitl,other"})
        ).json()

    assert (201, 200, 404) == (put.status_code, again.status_code, none.status_code)
    assert ["hitl", "more"] == [entry["key"] for entry in keys]
    assert {"key": "more", "value": [2]} == one
    assert {"hitl": {"id": "r1"}} == read["properties"]


@pytest.mark.parametrize(
    "properties",
    [
        {},
        [{"key": "a"}],
        [{"key": "", "value": 1}],
        [{"key": "a", "value": "x" * 32_768}],
    ],
)
async def test_refuses_properties_out_of_shape(properties: Any) -> None:
    async with Jira.start() as jira, http(jira) as client:
        answer = await client.post(
            "/rest/api/2/issue", json={**new_issue(), "properties": properties}
        )

    assert 400 == answer.status_code


async def test_version_3_writes_documents_and_version_2_reads_wiki_text() -> None:
    async with Jira.start() as jira, http(jira) as client:
        made = await client.post("/rest/api/3/issue", json=new_issue(description=DOCUMENT))
        key = made.json()["key"]
        text = (await client.get(f"/rest/api/2/issue/{key}")).json()["fields"]["description"]
        document = (await client.get(f"/rest/api/3/issue/{key}")).json()["fields"]["description"]
        refused = [
            (await client.post("/rest/api/3/issue", json=new_issue(description=wrong))).status_code
            for wrong in (
                "text",
                {"type": "doc"},
                {"type": "doc", "version": 1, "content": [1]},
                {"type": "doc", "version": 1, "content": [{"type": "nonsense"}]},
                {
                    "type": "doc",
                    "version": 1,
                    "content": [{"type": "paragraph", "content": [{"type": "nonsense"}]}],
                },
                {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": 1}]},
            )
        ]

    assert AS_TEXT == text
    assert ("doc", 1, "paragraph") == (
        document["type"],
        document["version"],
        document["content"][0]["type"],
    )
    assert {400} == set(refused)


async def test_edit_adds_and_removes_labels_and_people() -> None:
    async with Jira.start() as jira, http(jira) as client:
        people = [{"accountId": "712020:alex"}]
        made = await client.post(
            "/rest/api/2/issue", json=new_issue(labels=["a", "b"], customfield_10040=people)
        )
        path = f"/rest/api/2/issue/{made.json()['key']}"
        body = {
            "update": {
                "labels": [{"add": "c"}, {"remove": "a"}, {"add": "c"}],
                "customfield_10040": [{"add": {"accountId": "712020:megan"}}],
                "summary": [{"set": "New"}],
                "comment": [{"add": {"body": "said"}}],
            }
        }
        edited = await client.put(path, params={"returnIssue": "true"}, json=body)
        same = await client.put(path, json={"fields": {"summary": "New"}})
        issue = jira.issue(made.json()["key"])

    assert (200, 204) == (edited.status_code, same.status_code)
    assert ["b", "c"] == edited.json()["fields"]["labels"]
    # What did not change leaves no trace.
    (history,) = issue["changelog"]
    texts = {item["fieldId"]: (item["fromString"], item["toString"]) for item in history["items"]}
    assert {
        "labels": ("a b", "b c"),
        "customfield_10040": ("[Alex Wilber]", "[Alex Wilber, Megan Bowen]"),
        "summary": ("Approve a quote", "New"),
    } == texts
    custom = next(i for i in history["items"] if i["fieldId"] == "customfield_10040")
    assert ("Approvers", "custom") == (custom["field"], custom["fieldtype"])
    assert ["said"] == [c["body"] for c in issue["fields"]["comment"]["comments"]]


@pytest.mark.parametrize(
    "body",
    [
        {"fields": {"labels": ["x"]}, "update": {"labels": [{"add": "y"}]}},
        {"update": {"labels": [{"add": "a b"}]}},
        {"update": {"labels": {"add": "a"}}},
        {"update": {"summary": [{"add": "a"}]}},
        {"update": {"status": [{"set": "a"}]}},
        {"update": {"comment": [{"add": {"body": " "}}]}},
        {"update": {"comment": [{"edit": {}}]}},
        {"fields": {"summary": None}},
        {"fields": []},
    ],
)
async def test_refused_edit_changes_nothing(body: Any) -> None:
    async with Jira.start() as jira, http(jira) as client:
        key = jira.as_person("bot").create("OPS", "Kept")
        answer = await client.put(f"/rest/api/2/issue/{key}", json=body)

        assert 400 == answer.status_code
        assert [] == jira.issue(key)["changelog"]
        assert 0 == jira.issue(key)["fields"]["comment"]["total"]


async def test_fields_are_chosen_as_asked() -> None:
    async with Jira.start() as jira, http(jira) as client:
        key = jira.as_person("bot").create("OPS", "S", labels=["x"])
        path = f"/rest/api/2/issue/{key}"

        async def fields(asked: str) -> set[str]:
            answer = (await client.get(path, params={"fields": asked})).json()
            return set(answer["fields"])

        assert {"summary", "labels"} == await fields("summary,labels,nonsense")
        assert "comment" not in await fields("*navigable")
        assert "comment" in await fields("*all")
        assert "comment" not in await fields("*all,-comment")


async def test_comments_are_pages_with_their_authors() -> None:
    async with Jira.start() as jira, http(jira, "sam") as client:
        key = jira.as_person("bot").create("OPS", "S")
        for number in range(3):
            path = f"/rest/api/2/issue/{key}/comment"
            await client.post(path, json={"body": f"no. {number}"})
        params: dict[str, str | int] = {"startAt": 1, "maxResults": 1, "orderBy": "-created"}
        page = (await client.get(path, params=params)).json()
        document = (await client.get(path.replace("/2/", "/3/"))).json()
        empty = await client.post(path, json={"body": ""})
        figure = await client.post(path, json={"body": 5})
        wrong = await client.get(path, params={"startAt": "x"})

    assert (3, ["no. 1"]) == (page["total"], [c["body"] for c in page["comments"]])
    assert "712020:sam" == page["comments"][0]["author"]["accountId"]
    assert "doc" == document["comments"][0]["body"]["type"]
    assert [400, 400, 400] == [answer.status_code for answer in (empty, figure, wrong)]


async def test_changelog_is_paged_the_oldest_first() -> None:
    async with Jira.start() as jira, http(jira) as client:
        key = jira.as_person("bot").create("OPS", "0")
        for number in range(1, 6):
            jira.as_person("sam").edit(key, {"summary": str(number)})
        path = f"/rest/api/3/issue/{key}/changelog"
        page = (await client.get(path, params={"startAt": 3, "maxResults": 2})).json()

    assert (5, True) == (page["total"], page["isLast"])
    assert ["4", "5"] == [h["items"][0]["toString"] for h in page["values"]]


async def test_bulk_changelogs_filter_by_field_and_tell_time_as_a_number() -> None:
    async with Jira.start() as jira, http(jira) as client:
        alex = jira.as_person("alex")
        keys = [jira.as_person("bot").create("OPS", "S") for _ in range(2)]
        for key in keys:
            alex.edit(key, {"summary": "T"})
            alex.transition(key, "Rejected")
        path = "/rest/api/3/changelog/bulkfetch"
        body: dict[str, Any] = {
            "issueIdsOrKeys": [*keys, "OPS-99"],
            "fieldIds": ["status"],
            "maxResults": 1,
        }
        pages = []
        while True:
            page = (await client.post(path, json=body)).json()
            pages += page["issueChangeLogs"]
            if page["nextPageToken"] is None:
                break
            body["nextPageToken"] = page["nextPageToken"]
        many = await client.post(path, json={"issueIdsOrKeys": ["1"] * 1001})
        fields = await client.post(
            path, json={"issueIdsOrKeys": ["1"], "fieldIds": [str(n) for n in range(11)]}
        )
        other = await client.post(
            path, json={"issueIdsOrKeys": keys, "nextPageToken": body["nextPageToken"]}
        )

    assert 2 == len(pages)
    history = pages[0]["changeHistories"][0]
    # The resolution moved too, but only the status was asked for.
    assert [("status", "10003")] == [(i["fieldId"], i["to"]) for i in history["items"]]
    assert isinstance(history["created"], int)
    assert "712020:alex" == history["author"]["accountId"]
    assert [400, 400, 400] == [answer.status_code for answer in (many, fields, other)]


async def test_delete_is_for_good() -> None:
    async with Jira.start() as jira, http(jira, "alex") as client:
        key = jira.as_person("bot").create("OPS", "S")
        deleted = await client.delete(f"/rest/api/2/issue/{key}")
        gone = await client.get(f"/rest/api/2/issue/{key}")
        next_key = jira.as_person("bot").create("OPS", "S")

    assert (204, 404) == (deleted.status_code, gone.status_code)
    assert ["Issue does not exist or you do not have permission to see it."] == gone.json()[
        "errorMessages"
    ]
    assert ("OPS-1", "OPS-2") == (key, next_key)


async def test_hidden_project_is_404_and_missing_permissions_are_403() -> None:
    async with Jira.start() as jira, http(jira) as client:
        key = jira.as_person("alex").create("OPS", "S")
        path = f"/rest/api/2/issue/{key}"

        async def statuses() -> list[int]:
            calls: list[tuple[str, str, Any]] = [
                ("GET", path, None),
                ("PUT", path, {"fields": {"summary": "T"}}),
                ("POST", f"{path}/comment", {"body": "x"}),
                ("PUT", f"{path}/assignee", {"accountId": None}),
                ("DELETE", path, None),
                ("POST", "/rest/api/2/issue", new_issue()),
            ]
            answers: list[httpx.Response] = [
                await client.request(method, where, json=body) for method, where, body in calls
            ]
            return [answer.status_code for answer in answers]

        jira.site.access.grant("bot", "OPS", {"BROWSE_PROJECTS"})
        reading = await statuses()
        jira.site.access.grant("bot", "OPS", set())
        hidden = await statuses()

    assert [200, 403, 403, 403, 403, 403] == reading
    assert [404, 404, 404, 404, 404, 400] == hidden


async def test_assignee_may_be_nobody_and_must_exist() -> None:
    async with Jira.start() as jira, http(jira) as client:
        key = jira.as_person("bot").create("OPS", "S", assignee={"accountId": "712020:sam"})
        path = f"/rest/api/2/issue/{key}/assignee"
        unknown = await client.put(path, json={"accountId": "712020:nobody"})
        nobody = await client.put(path, json={"accountId": None})

        assert (400, 204) == (unknown.status_code, nobody.status_code)
        assert jira.issue(key)["fields"]["assignee"] is None


async def test_times_are_the_sites_and_in_the_readers_zone() -> None:
    async with Jira.start() as jira, http(jira) as bot, http(jira, "megan") as megan:
        jira.clock_offset_s = 86_400 * 365
        key = jira.as_person("bot").create("OPS", "S")
        utc = (await bot.get(f"/rest/api/2/issue/{key}")).json()["fields"]["created"]
        new_york = (await megan.get(f"/rest/api/2/issue/{key}")).json()["fields"]["created"]

    assert "2027" == utc[:4]
    assert ("+0000", True) == (utc[-5:], new_york[-5:] in ("-0500", "-0400"))
