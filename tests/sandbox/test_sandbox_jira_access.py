"""Credentials, deployments and what a client asks the Jira stand-in before it works."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from jira import JIRA, JIRAError

from countersign.sandbox.jira import Jira
from countersign.sandbox.jira.site import Site
from tests.sandbox.jira_clients import account, http, new_issue, package, with_package


def basic(name: str, secret: str) -> Any:
    return httpx.BasicAuth(name, secret)


async def test_wrong_credentials_are_401_without_an_error_collection() -> None:
    bot = account("bot")
    async with Jira.start() as jira, httpx.AsyncClient(timeout=30, base_url=jira.url) as client:
        path = "/rest/api/3/myself"
        answers = [
            await client.get(path),
            await client.get(path, auth=basic(bot.email, "wrong")),
            await client.get(path, auth=basic("nobody@example.com", bot.token)),
            await client.get(path, auth=basic(bot.email, bot.password)),
            await client.get(path, headers={"Authorization": "Basic !"}),
            await client.get(path, headers={"Authorization": "Digest x"}),
            await client.get("/rest/api/2/serverInfo", auth=basic(bot.email, "wrong")),
        ]
        jira.revoke("bot")
        answers.append(await client.get(path, auth=basic(bot.email, bot.token)))
        jira.restore("bot")
        good = await client.get(path, auth=basic(bot.email, bot.token))
        info = await client.get("/rest/api/3/serverInfo")

        assert {401} == {answer.status_code for answer in answers}
        assert {
            "message": "Client must be authenticated to access this resource.",
            "status-code": 401,
        } == answers[1].json()
        assert "AUTHENTICATED_FAILED" == answers[1].headers["X-Seraph-LoginReason"]
        assert (200, 200) == (good.status_code, info.status_code)
        assert bot.email == good.json()["emailAddress"]
        # Refusals are recorded with their status.
        assert [401] * 8 == [r.status for r in jira.requests[:8]]


async def test_oauth_goes_through_the_gateway() -> None:
    bot = account("bot")
    async with Jira.start() as jira:
        ready = jira.ready()
        async with httpx.AsyncClient(
            timeout=30, headers={"Authorization": f"Bearer {bot.oauth_token}"}
        ) as c:
            good = await c.get(f"{ready['oauth_url']}/rest/api/3/myself")
            site = await c.get(f"{jira.url}/rest/api/3/myself")
            headers = {"Authorization": f"Bearer {bot.expired_oauth_token}"}
            expired = await c.get(f"{ready['oauth_url']}/rest/api/3/myself", headers=headers)
            nobody = await c.get(f"{ready['oauth_url']}/rest/api/3/serverInfo", headers=headers)

    assert ready["oauth_token"] == bot.oauth_token
    assert bot.account_id == good.json()["accountId"]
    assert good.json()["self"].startswith(ready["oauth_url"])
    assert (403, {"error": "Failed to parse Connect Session Auth Token"}) == (
        site.status_code,
        site.json(),
    )
    assert (401, {"code": 401, "message": "Unauthorized"}) == (expired.status_code, expired.json())
    assert 401 == nobody.status_code


async def test_permissions_are_told_only_if_asked_for() -> None:
    def work(client: JIRA) -> dict[str, bool]:
        answer = client.my_permissions(
            projectKey="OPS", permissions="BROWSE_PROJECTS,CREATE_ISSUES,ADMINISTER"
        )
        told: dict[str, Any] = answer["permissions"]
        return {k: v["havePermission"] for k, v in told.items()}

    async with Jira.start() as jira, http(jira) as client:
        path = "/rest/api/3/mypermissions"
        granted = await with_package(jira, work)
        jira.site.access.grant("bot", "OPS", {"BROWSE_PROJECTS"})
        taken = await with_package(jira, work)
        issue = jira.as_person("alex").create("OPS", "S")
        params = {"issueKey": issue, "permissions": "CREATE_ISSUES"}
        of_issue = (await client.get(path, params=params)).json()["permissions"]
        anywhere = await client.get(path, params={"permissions": "CREATE_ISSUES"})
        refused = [
            await client.get(path),
            await client.get(path, params={"permissions": "FLY"}),
            await client.get(path, params={"permissions": "CREATE_ISSUES", "projectKey": "X"}),
        ]
        with pytest.raises(LookupError, match="FLY"):
            jira.site.access.grant("bot", "OPS", {"FLY"})

    assert {"BROWSE_PROJECTS": True, "CREATE_ISSUES": True, "ADMINISTER": False} == granted
    assert {"BROWSE_PROJECTS": True, "CREATE_ISSUES": False, "ADMINISTER": False} == taken
    assert not of_issue["CREATE_ISSUES"]["havePermission"]
    assert anywhere.json()["permissions"]["CREATE_ISSUES"]["havePermission"]
    assert [400, 400, 404] == [answer.status_code for answer in refused]


async def test_project_tells_its_statuses_types_and_fields() -> None:
    async with Jira.start() as jira, http(jira) as client:
        base = "/rest/api/3"
        project = (await client.get(f"{base}/project/OPS")).json()
        (kind,) = (await client.get(f"{base}/project/OPS/statuses")).json()
        types = (await client.get(f"{base}/issue/createmeta/OPS/issuetypes")).json()
        jira.site.required_fields = {"customfield_10060"}
        fields = (await client.get(f"{base}/issue/createmeta/OPS/issuetypes/10010")).json()
        none = await client.get(f"{base}/issue/createmeta/OPS/issuetypes/1")
        missing = await client.get(f"{base}/project/NOPE")
        every = (await client.get(f"{base}/field")).json()
        statuses = (await client.get(f"{base}/status")).json()
        by_id = (await client.get(f"{base}/status/10003")).json()
        unknown = await client.get(f"{base}/status/9")
        priorities = (await client.get(f"{base}/priority")).json()

        assert ("OPS", "business", ["Task"]) == (
            project["key"],
            project["projectTypeKey"],
            [t["name"] for t in project["issueTypes"]],
        )
        assert ["Pending", "Approved", "Rejected", "Changes requested", "Closed"] == [
            status["name"] for status in kind["statuses"]
        ]
        assert ["10010"] == [t["id"] for t in types["issueTypes"]]
        assert {"project", "issuetype", "summary", "customfield_10060"} == {
            field["fieldId"] for field in fields["fields"] if field["required"]
        }
        schemas = {field["id"]: field.get("schema") for field in every}
        assert {
            "type": "array",
            "items": "user",
            "custom": "com.atlassian.jira.plugin.system.customfieldtypes:multiuserpicker",
            "customId": 10040,
        } == schemas["customfield_10040"]
        assert jira.ready()["statuses"] == {s["name"]: s["id"] for s in statuses}
        assert ("Rejected", "done") == (by_id["name"], by_id["statusCategory"]["key"])
        assert 5 == len(priorities)
        assert [404, 404, 404] == [a.status_code for a in (none, missing, unknown)]


async def test_people_are_found_but_their_addresses_are_mostly_hidden() -> None:
    async with Jira.start() as jira, http(jira) as client:
        base = "/rest/api/3/user"
        alex = (await client.get(base, params={"accountId": "712020:alex"})).json()
        nobody = await client.get(base, params={"accountId": "712020:nobody"})
        (sam,) = (await client.get(f"{base}/search", params={"query": "samc@"})).json()
        (by_id,) = (await client.get(f"{base}/search", params={"accountId": "712020:sam"})).json()
        none = (await client.get(f"{base}/search", params={"accountId": "x"})).json()
        empty = await client.get(f"{base}/search")

    assert "alexw@example.com" == alex["emailAddress"]
    assert ("712020:sam", False) == (sam["accountId"], "emailAddress" in sam)
    assert sam == by_id
    assert [] == none
    assert (404, 400) == (nobody.status_code, empty.status_code)


async def test_data_center_takes_personal_tokens_and_passwords_and_has_names() -> None:
    alex = account("alex")

    def work(client: JIRA) -> dict[str, Any]:
        issue = client.create_issue(fields=new_issue(assignee={"name": "alex"})["fields"])
        client.transition_issue(issue, "11")
        client.assign_issue(issue, "sam")
        (found,) = client.search_issues(
            "project = OPS AND assignee = sam", expand="changelog", fields="assignee,comment"
        )
        assert client.project_issue_types("OPS")[0].name == "Task"
        raw: dict[str, Any] = found.raw
        return raw

    async with Jira.start(deployment="Server") as jira, http(jira) as client:
        raw = await with_package(jira, work, login="alex")
        anonymous = httpx.AsyncClient(timeout=30, base_url=jira.url)
        password = await anonymous.get("/rest/api/2/myself", auth=basic("alex", alex.password))
        wrong = await anonymous.get("/rest/api/2/myself", auth=basic("alex", alex.token))
        unknown = await anonymous.get(
            "/rest/api/2/myself", headers={"Authorization": "Bearer nope"}
        )
        await anonymous.aclose()
        page = await client.post("/rest/api/2/search", json={"jql": "", "maxResults": 1})
        by_key = await client.get("/rest/api/2/user", params={"key": alex.user_key})
        by_name = await client.get("/rest/api/2/user", params={"username": "alex"})
        users = (await client.get("/rest/api/2/user/search", params={"username": "al"})).json()
        info = (await client.get("/rest/api/2/serverInfo")).json()
        gone = [
            await client.get("/rest/api/3/myself"),
            await client.get("/rest/api/2/search/jql", params={"jql": "project = OPS"}),
            await client.get(f"/rest/api/2/issue/{raw['key']}/changelog"),
        ]
        bad = await client.post("/rest/api/2/issue", json=new_issue(assignee={"accountId": "x"}))

    assert "sam" == raw["fields"]["assignee"]["name"]
    assert "accountId" not in raw["fields"]["assignee"]
    # The oldest first, without field ids, by account key nowhere.
    assert ["status", "assignee"] == [
        h["items"][-1]["field"] for h in raw["changelog"]["histories"]
    ]
    assert "fieldId" not in raw["changelog"]["histories"][0]["items"][0]
    assert (200, 401, 401) == (password.status_code, wrong.status_code, unknown.status_code)
    assert "text/html" == wrong.headers["Content-Type"].partition(";")[0]
    assert (2, 1) == (page.json()["total"], len(page.json()["issues"]))
    assert "alex" == by_key.json()["name"] == by_name.json()["name"]
    assert ["alex"] == [user["name"] for user in users]
    assert "Server" == info["deploymentType"]
    assert {404} == {answer.status_code for answer in gone}
    assert "`name`" in bad.json()["errors"]["assignee"]


async def test_data_center_approvals_need_the_experimental_header() -> None:
    async with Jira.start(deployment="Server") as jira, http(jira, "alex") as client:
        path = "/rest/servicedeskapi/request/HELP-1/approval"
        plain = await client.get(path)
        headers = {"X-ExperimentalApi": "opt-in"}
        opted = (await client.get(path, headers=headers)).json()

    assert (412, True) == (plain.status_code, "opt-in" in plain.json()["errorMessage"])
    assert ["alex", "megan"] == [
        found["approver"]["name"] for found in opted["values"][0]["approvers"]
    ]


async def test_package_asks_for_server_info_first() -> None:
    def work(client: JIRA) -> str:
        return str(client.deploymentType)

    async with Jira.start() as jira:
        assert "Cloud" == await with_package(jira, work)
        assert ["/rest/api/2/serverInfo"] == [r.path for r in jira.requests]
        jira.revoke("bot")

        def refused() -> None:
            with pytest.raises(JIRAError) as caught, package(jira):
                pass
            assert 401 == caught.value.status_code

        await asyncio.to_thread(refused)


def test_there_is_nobody_by_that_name() -> None:
    jira = Jira(Site(None, deployment="Cloud"))
    with pytest.raises(LookupError, match="no account eve"):
        jira.as_person("eve")
    with pytest.raises(LookupError, match="no issue OPS-1"):
        jira.issue("OPS-1")
    jira.site.store.close()
