"""The Table API of the instance, over raw HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from countersign.sandbox.servicenow import ServiceNow
from countersign.sandbox.servicenow.people import (
    ADELE,
    ALEX,
    BOT,
    BY_NAME,
    MALLORY,
    SAM,
)
from countersign.sandbox.servicenow.tokens import API_KEY, CLIENT_ID, CLIENT_SECRET

pytestmark = pytest.mark.asyncio

CHANGES = "/api/now/table/change_request"
APPROVERS = "/api/now/table/sysapproval_approver"
NOT_FOUND = {
    "error": {
        "message": "No Record found",
        "detail": "Record doesn't exist or ACL restricts the record retrieval",
    },
    "status": "failure",
}


@pytest.fixture
async def snow() -> AsyncIterator[ServiceNow]:
    async with ServiceNow.start() as running:
        yield running


def http(snow: ServiceNow, user_name: str = BOT.user_name) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=30,
        base_url=snow.url,
        auth=(user_name, BY_NAME[user_name].password),
        trust_env=False,
    )


async def create(client: httpx.AsyncClient, path: str = CHANGES, **values: Any) -> dict[str, Any]:
    answer = await client.post(path, json=values)
    assert 201 == answer.status_code, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result


async def numbers(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(
        CHANGES, params={"sysparm_query": query, "sysparm_fields": "short_description"}
    )
    return [row["short_description"] for row in answer.json()["result"]]


async def test_creates_with_defaults_and_the_caller_as_author(snow: ServiceNow) -> None:
    async with http(snow) as client:
        answer = await client.post(CHANGES, json={"short_description": "x" * 200, "priority": 2})
        row = answer.json()["result"]
        again = await client.get(answer.headers["Location"])

    assert row == again.json()["result"]
    assert ("CHG0030001", "-5", "not requested", "0", "2") == (
        row["number"],
        row["state"],
        row["approval"],
        row["sys_mod_count"],
        row["priority"],
    )
    assert 160 == len(row["short_description"])
    assert BOT.sys_id == row["requested_by"]["value"]
    assert "svc_approvals" == row["sys_created_by"] == row["sys_updated_by"]
    assert 32 == len(row["sys_id"])


async def test_ignores_unknown_fields_and_those_of_the_platform_in_a_write(
    snow: ServiceNow,
) -> None:
    async with http(snow) as client:
        row = await create(
            client, no_such_field="1", sys_id="f" * 32, number="CHG1", sys_created_by="alex.wilber"
        )

    assert "no_such_field" not in row
    assert "CHG0030001" == row["number"]
    assert "f" * 32 != row["sys_id"]
    assert "svc_approvals" == row["sys_created_by"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("short_description=a", ["a"]),
        ("short_description=A", ["a"]),
        ("short_description!=a", ["b", "c"]),
        ("short_descriptionINa,c", ["a", "c"]),
        ("short_descriptionNOT INa,c", ["b"]),
        ("short_descriptionSTARTSWITHb", ["b"]),
        ("short_descriptionENDSWITHb", ["b"]),
        ("short_descriptionLIKEa^ORshort_descriptionLIKEb", ["a", "b"]),
        ("short_descriptionNOT LIKEa", ["b", "c"]),
        ("correlation_idISEMPTY", ["c"]),
        ("correlation_idISNOTEMPTY^short_description=b", ["b"]),
        ("priority>2", ["b", "c"]),
        ("priority>=2", ["a", "b", "c"]),
        ("priority<10", ["a", "b"]),
        ("priority<=10^ORDERBYDESCpriority", ["c", "b", "a"]),
        ("ORDERBYpriority^EQ", ["a", "b", "c"]),
        ("ORDERBYDESCshort_description", ["c", "b", "a"]),
        ("correlation_id>one", ["b"]),
        ("priority>high", ["a", "b", "c"]),
        ("priority=2^NQshort_description=c", ["a", "c"]),
        ("requested_by.user_name=svc_approvals^short_description=c", ["c"]),
        ("requested_by.user_name=nobody", []),
        ("assigned_to.user_name=alex.wilber", []),
        ("comments=x", []),
        ("sys_created_on>=2199-01-01 00:00:00", []),
        # What cannot be understood is left out, and then everything is found.
        ("correlation_idd=one", ["a", "b", "c"]),
        ("number.name=one", ["a", "b", "c"]),
        ("short_description~a", ["a", "b", "c"]),
        ("ORDERBYnothing", ["a", "b", "c"]),
    ],
)
async def test_encoded_query(snow: ServiceNow, query: str, found: list[str]) -> None:
    async with http(snow) as client:
        await create(client, short_description="a", correlation_id="one", priority="2")
        await create(client, short_description="b", correlation_id="two", priority="5")
        await create(client, short_description="c", priority="10")

        assert found == await numbers(client, query)


async def test_property_makes_an_invalid_query_find_nothing(snow: ServiceNow) -> None:
    async with http(snow) as client:
        await create(client, short_description="a")
        everything = await numbers(client, "bogus=1")
        snow.invalid_query_returns_no_rows = True
        nothing = await numbers(client, "bogus=1")

    assert (["a"], []) == (everything, nothing)


async def test_fields_given_as_parameters_filter_too(snow: ServiceNow) -> None:
    async with http(snow) as client:
        for name in ("a", "b"):
            await create(client, short_description=name, correlation_id=name)
        answer = await client.get(CHANGES, params={"correlation_id": "b"})

    assert ["b"] == [row["short_description"] for row in answer.json()["result"]]


async def test_pages_with_the_total_and_links(snow: ServiceNow) -> None:
    async with http(snow) as client:
        for name in "abcde":
            await create(client, short_description=name)
        middle = await client.get(CHANGES, params={"sysparm_limit": 2, "sysparm_offset": 2})
        last = await client.get(CHANGES, params={"sysparm_limit": 2, "sysparm_offset": 4})
        quiet = await client.get(
            CHANGES,
            params={
                "sysparm_limit": 2,
                "sysparm_no_count": "true",
                "sysparm_suppress_pagination_header": "true",
            },
        )
        following = await client.get(middle.links["next"]["url"])

    assert ["c", "d"] == [row["short_description"] for row in middle.json()["result"]]
    assert "5" == middle.headers["X-Total-Count"]
    assert {"first", "prev", "next", "last"} == set(middle.links)
    assert {"first", "prev", "last"} == set(last.links)
    assert ["e"] == [row["short_description"] for row in following.json()["result"]]
    assert ("X-Total-Count" not in quiet.headers, "Link" not in quiet.headers) == (True, True)


async def test_display_values_are_labels_and_times_of_the_reader(snow: ServiceNow) -> None:
    async with http(snow) as client, http(snow, "alex.wilber") as berlin:
        change = await create(
            client, due_date="2026-01-15 10:00:00", assigned_to="nobody", start_date="soon"
        )
        fields = "state,due_date,start_date,requested_by,assigned_to,active,approval"
        params = {"sysparm_fields": fields}
        path = f"{CHANGES}/{change['sys_id']}"
        shown = await berlin.get(path, params={**params, "sysparm_display_value": "true"})
        both = await berlin.get(path, params={**params, "sysparm_display_value": "all"})
        bare = await berlin.get(
            path,
            params={
                **params,
                "sysparm_display_value": "true",
                "sysparm_exclude_reference_link": "true",
            },
        )

    link = f"{snow.url}/api/now/table/sys_user/"
    assert {
        "state": "New",
        "due_date": "2026-01-15 11:00:00",
        "start_date": "soon",
        "requested_by": {"display_value": BOT.name, "link": link + BOT.sys_id},
        "assigned_to": {"display_value": "nobody", "link": link + "nobody"},
        "active": "true",
        "approval": "Not Yet Requested",
    } == shown.json()["result"]
    assert {"display_value": "2026-01-15 11:00:00", "value": "2026-01-15 10:00:00"} == (
        both.json()["result"]["due_date"]
    )
    assert {"display_value", "link", "value"} == set(both.json()["result"]["requested_by"])
    assert BOT.name == bare.json()["result"]["requested_by"]


async def test_only_documented_words_switch_parameters_on(snow: ServiceNow) -> None:
    async with http(snow) as client:
        await create(client)
        params = {"sysparm_exclude_reference_link": "True", "sysparm_display_value": "True"}
        row = (await client.get(CHANGES, params=params)).json()["result"][0]

    assert BOT.sys_id == row["requested_by"]["value"]
    assert "-5" == row["state"]


async def test_fields_that_do_not_exist_are_left_out_and_dead_ends_are_empty(
    snow: ServiceNow,
) -> None:
    fields = "number,bogus,assigned_to.email,requested_by.email"
    async with http(snow) as client:
        await create(client)
        row = (await client.get(CHANGES, params={"sysparm_fields": fields})).json()["result"][0]

    assert {
        "number": "CHG0030001",
        "assigned_to.email": "",
        "requested_by.email": BOT.email,
    } == row


async def test_journal_is_empty_as_a_value_and_written_out_for_display(snow: ServiceNow) -> None:
    """Each entry is stored in sys_journal_field, newest first in the display value."""
    async with http(snow) as client:
        change = await create(client, comments="first")
        path = f"{CHANGES}/{change['sys_id']}"
        await client.patch(path, json={"comments": "second", "work_notes": "hidden hand"})
        both = await client.get(
            path, params={"sysparm_fields": "comments", "sysparm_display_value": "all"}
        )
        entries = await client.get(
            "/api/now/table/sys_journal_field",
            params={"sysparm_query": f"element_id={change['sys_id']}"},
        )

    journal = both.json()["result"]["comments"]
    assert "" == journal["value"]
    blocks = journal["display_value"].removesuffix("\n\n").split("\n\n")
    assert ["second", "first"] == [block.partition("\n")[2] for block in blocks]
    assert blocks[0].partition("\n")[0].endswith(f" - {BOT.name} (Additional comments)")
    assert [("comments", "first"), ("comments", "second"), ("work_notes", "hidden hand")] == [
        (row["element"], row["value"]) for row in entries.json()["result"]
    ]


async def test_update_leaves_a_stamp_and_an_audit_only_if_something_changed(
    snow: ServiceNow,
) -> None:
    async with http(snow) as client:
        change = await create(client, short_description="a")
        path = f"{CHANGES}/{change['sys_id']}"
        same = await client.put(path, json={"short_description": "a"})
        other = await client.put(
            path, json={"short_description": "b", "number": "CHG1", "sys_created_by": "admin"}
        )

    assert "0" == same.json()["result"]["sys_mod_count"]
    assert ("1", "CHG0030001", "svc_approvals") == tuple(
        other.json()["result"][name] for name in ("sys_mod_count", "number", "sys_created_by")
    )
    assert [("short_description", "a", "b", "svc_approvals")] == [
        (row["fieldname"], row["oldvalue"], row["newvalue"], row["user"])
        for row in snow.rows("sys_audit")
        if row["documentkey"] == change["sys_id"]
    ]


async def test_reads_values_of_any_json_type_and_only_the_first_of_many(snow: ServiceNow) -> None:
    async with http(snow) as client:
        answer = await client.post(
            CHANGES,
            json=[{"active": False, "description": None, "justification": {"a": 1}}, {}],
        )
        row = answer.json()["result"]

    assert ("false", "", '{"a": 1}') == (row["active"], row["description"], row["justification"])
    assert 1 == len(snow.changes())


async def test_task_finds_what_extends_it(snow: ServiceNow) -> None:
    async with http(snow) as client:
        change = await create(client)
        item = await create(client, "/api/now/v2/table/sc_req_item")
        rows = (await client.get("/api/now/v1/table/task")).json()["result"]
        one = await client.get(f"/api/now/table/task/{change['sys_id']}")

    assert {change["number"], item["number"]} == {row["number"] for row in rows}
    assert {"change_request", "sc_req_item"} == {row["sys_class_name"] for row in rows}
    assert "change_request" == one.json()["result"]["sys_class_name"]
    assert "close_code" not in one.json()["result"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/api/now/table/nothing", None, 400, "Invalid table nothing"),
        ("POST", "/api/now/table/nothing", b"{}", 400, "Invalid table nothing"),
        ("GET", "/api/now/tables", None, 400, "Requested URI does not represent any resource"),
        ("GET", CHANGES + "?sysparm_query=a=javascript:x()", None, 400, "Invalid query detected"),
        ("GET", CHANGES + "?sysparm_limit=-1", None, 400, "Invalid request"),
        ("POST", CHANGES, b"{", 400, "Exception while reading request"),
        ("POST", CHANGES, b'"x"', 400, "Exception while reading request"),
        ("GET", CHANGES + "/" + "0" * 32, None, 404, "No Record found"),
        ("PATCH", CHANGES + "/" + "0" * 32, b"{}", 404, "No Record found"),
        ("DELETE", CHANGES + "/" + "0" * 32, None, 404, "No Record found"),
    ],
)
async def test_refuses(
    snow: ServiceNow, method: str, path: str, body: bytes | None, status: int, message: str
) -> None:
    async with http(snow) as client:
        answer = await client.request(
            method, path, content=body, headers={"Content-Type": "application/json"}
        )

    assert (status, message) == (answer.status_code, answer.json()["error"]["message"])
    assert "failure" == answer.json()["status"]


async def test_refuses_a_body_that_is_no_json(snow: ServiceNow) -> None:
    async with http(snow) as client:
        answer = await client.post(CHANGES, data={"short_description": "a"})

    assert 415 == answer.status_code


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic !!"},
        {"Authorization": "Basic " + "eDp5"},
        {"Authorization": "Bearer nothing"},
        {"x-sn-apikey": "wrong"},
    ],
)
async def test_refuses_who_cannot_say_who_he_is(snow: ServiceNow, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(timeout=30, base_url=snow.url, trust_env=False) as client:
        answer = await client.get(CHANGES, headers=headers)

    assert 401 == answer.status_code
    assert "User Not Authenticated" == answer.json()["error"]["message"]


async def test_takes_an_api_key_as_the_integration(snow: ServiceNow) -> None:
    async with httpx.AsyncClient(timeout=30, base_url=snow.url, trust_env=False) as client:
        answer = await client.post(CHANGES, json={}, headers={"x-sn-apikey": API_KEY})

    assert "svc_approvals" == answer.json()["result"]["sys_created_by"]


async def token(snow: ServiceNow, **form: str) -> httpx.Response:
    application = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    async with httpx.AsyncClient(timeout=30, base_url=snow.url, trust_env=False) as client:
        return await client.post("/oauth_token.do", data={**application, **form})


async def created_by(snow: ServiceNow, access_token: str) -> str | int:
    async with httpx.AsyncClient(timeout=30, base_url=snow.url, trust_env=False) as client:
        answer = await client.post(
            CHANGES, json={}, headers={"Authorization": f"Bearer {access_token}"}
        )
    if answer.status_code != 201:
        return answer.status_code
    return str(answer.json()["result"]["sys_created_by"])


async def test_client_credentials_run_as_the_integration_until_they_expire(
    snow: ServiceNow,
) -> None:
    answer = (await token(snow, grant_type="client_credentials")).json()
    user = await created_by(snow, answer["access_token"])
    snow.clock_offset_s = answer["expires_in"] + 1
    later = await created_by(snow, answer["access_token"])

    assert ("useraccount", "Bearer") == (answer["scope"], answer["token_type"])
    assert 1795 <= answer["expires_in"] <= 1800
    assert "refresh_token" not in answer
    assert ("svc_approvals", 401) == (user, later)


async def test_password_grant_gives_the_current_token_and_one_to_refresh(snow: ServiceNow) -> None:
    form = {"grant_type": "password", "username": ALEX.user_name, "password": ALEX.password}
    first, second = (await token(snow, **form)).json(), (await token(snow, **form)).json()
    snow.expire_tokens()
    refused = await created_by(snow, first["access_token"])
    fresh = (
        await token(snow, grant_type="refresh_token", refresh_token=first["refresh_token"])
    ).json()

    assert first["access_token"] == second["access_token"]
    assert 401 == refused
    assert "alex.wilber" == await created_by(snow, fresh["access_token"])


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "x"}, 401, "invalid_client"),
        ({"grant_type": "password", "username": "admin", "password": "x"}, 401, "server_error"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, 401, "server_error"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
    ],
)
async def test_refuses_a_token(
    snow: ServiceNow, form: dict[str, str], status: int, error: str
) -> None:
    answer = await token(snow, **form)

    assert (status, error) == (answer.status_code, answer.json()["error"])


async def test_rate_limit_counts_per_user_and_says_when_it_ends(snow: ServiceNow) -> None:
    snow.options.rate_limit_per_hour = 1
    async with http(snow) as client, http(snow, "alex.wilber") as other:
        first, second = await client.get(CHANGES), await client.get(CHANGES)
        elsewhere = await other.get(CHANGES)
        snow.clock_offset_s = 3600
        next_hour = await client.get(CHANGES)

    assert [200, 429, 200, 200] == [
        answer.status_code for answer in (first, second, elsewhere, next_hour)
    ]
    assert "1" == first.headers["X-RateLimit-Limit"] == second.headers["X-RateLimit-Limit"]
    assert 0 < int(second.headers["Retry-After"]) <= 3600
    assert "X-RateLimit-Rule" in second.headers
    assert 0 == int(second.headers["X-RateLimit-Reset"]) % 3600


async def test_hidden_and_deleted_records_answer_the_same(snow: ServiceNow) -> None:
    async with http(snow) as client:
        hidden, deleted = await create(client), await create(client)
        snow.hide(hidden["sys_id"])
        snow.as_person("admin").delete("change_request", deleted["sys_id"])
        answers = [await client.get(f"{CHANGES}/{row['sys_id']}") for row in (hidden, deleted)]
        listed = await numbers(client, "")
        snow.show(hidden["sys_id"])

        assert [(404, NOT_FOUND)] * 2 == [(a.status_code, a.json()) for a in answers]
        assert [] == listed
        assert 1 == len(await numbers(client, ""))


async def test_who_is_not_asked_does_not_see_it_without_a_role(snow: ServiceNow) -> None:
    async with (
        http(snow) as client,
        http(snow, "sam.carter") as sam,
        http(snow, "adele.vance") as adele,
        http(snow, "mallory.evil") as mallory,
    ):
        change = await create(client, comments="psst")
        await create(
            client, APPROVERS, sysapproval=change["sys_id"], approver=SAM.sys_id, state="requested"
        )
        seen = [
            len((await person.get(path)).json()["result"])
            for person in (sam, adele, mallory)
            for path in (CHANGES, APPROVERS)
        ]
        journals = await mallory.get("/api/now/table/sys_journal_field")
        people = await adele.get("/api/now/table/sys_user")

    assert [1, 1, 0, 0, 1, 1] == seen
    assert [] == journals.json()["result"]
    assert ADELE.email in [row["email"] for row in people.json()["result"]]


@pytest.mark.parametrize(
    ("user_name", "status"),
    [("alex.wilber", 200), ("admin", 200), ("svc_approvals", 200), ("mallory.evil", 403)],
)
async def test_who_may_answer(snow: ServiceNow, user_name: str, status: int) -> None:
    async with http(snow) as client, http(snow, user_name) as person:
        change = await create(client)
        approval = await create(
            client, APPROVERS, sysapproval=change["sys_id"], approver=ALEX.sys_id, state="requested"
        )
        answer = await person.patch(f"{APPROVERS}/{approval['sys_id']}", json={"state": "approved"})

    assert status == answer.status_code


@pytest.mark.parametrize(
    ("user_name", "table", "values", "status"),
    [
        ("mallory.evil", "sysapproval_approver", {"state": "requested"}, 201),
        ("mallory.evil", "sysapproval_approver", {"state": "approved"}, 403),
        ("adele.vance", "change_request", {}, 403),
        ("mallory.evil", "sys_user", {"user_name": "x"}, 403),
        ("admin", "sys_user", {"user_name": "x"}, 201),
        ("sam.carter", "sys_user_delegate", {"user": SAM.sys_id}, 201),
        ("mallory.evil", "sys_user_delegate", {"user": SAM.sys_id}, 403),
    ],
)
async def test_who_may_create(
    snow: ServiceNow, user_name: str, table: str, values: dict[str, str], status: int
) -> None:
    async with http(snow, user_name) as person:
        answer = await person.post(f"/api/now/table/{table}", json=values)

    assert status == answer.status_code
    if status == 403:
        assert (
            "ACL Exception Insert Failed due to security constraints"
            == (answer.json()["error"]["detail"])
        )


@pytest.mark.parametrize(
    ("user_name", "table", "status"),
    [
        ("mallory.evil", "sysapproval_approver", 204),
        ("sam.carter", "sysapproval_approver", 204),
        ("mallory.evil", "change_request", 403),
        ("sam.carter", "change_request", 403),
        ("svc_approvals", "change_request", 403),
        ("admin", "change_request", 204),
    ],
)
async def test_who_may_delete(snow: ServiceNow, user_name: str, table: str, status: int) -> None:
    async with http(snow) as client, http(snow, user_name) as person:
        change = await create(client)
        approval = await create(
            client,
            APPROVERS,
            document_id=change["sys_id"],
            source_table="change_request",
            approver=SAM.sys_id,
            state="requested",
        )
        row = {"change_request": change, "sysapproval_approver": approval}[table]
        answer = await person.delete(f"/api/now/table/{table}/{row['sys_id']}")

    assert status == answer.status_code
    assert (status == 204) is (snow.rows("sysapproval_approver") == [])


async def test_delegation_can_be_changed_and_ended_by_its_owner_only(snow: ServiceNow) -> None:
    row = snow.as_person("sam.carter").add("sys_user_delegate", {"user": SAM.sys_id})
    path = f"/api/now/table/sys_user_delegate/{row['sys_id']}"
    async with http(snow, "mallory.evil") as mallory, http(snow, "sam.carter") as sam:
        refused = [
            (await mallory.patch(path, json={"delegate": MALLORY.sys_id})).status_code,
            (await mallory.delete(path)).status_code,
        ]
        async with http(snow, "adele.vance") as adele:
            unseen = (await adele.get(path)).status_code
        allowed = [
            (await sam.patch(path, json={"delegate": ALEX.sys_id})).status_code,
            (await sam.delete(path)).status_code,
        ]

    assert ([403, 403], 404, [200, 204]) == (refused, unseen, allowed)


async def test_429_on_demand_has_the_vendors_shape(snow: ServiceNow) -> None:
    snow.faults.fail(429, retry_after_s=3)
    snow.faults.fail(502)
    async with http(snow) as client:
        limited, failed = await client.get(CHANGES), await client.get(CHANGES)

    assert ("3", "Rate limit exceeded") == (
        limited.headers["Retry-After"],
        limited.json()["error"]["message"],
    )
    assert (502, "failure") == (failed.status_code, failed.json()["status"])
    assert [429, 502] == [request.status for request in snow.requests]
