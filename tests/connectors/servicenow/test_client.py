"""pysnow over real HTTP: what the instance and the network do to us, as errors of ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.connectors.servicenow import client as client_module
from countersign.connectors.servicenow.client import ServiceNowClient
from countersign.sandbox._faults import Fault
from countersign.sandbox._serve import serve
from countersign.sandbox.servicenow.people import ADMINISTRATOR, BOT, MALLORY
from countersign.sandbox.servicenow.tokens import CLIENT_ID, CLIENT_SECRET
from tests.connectors.servicenow.fixtures import FOLDER
from tests.connectors.servicenow.office import Office

OAUTH = {"kind": "oauth", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
NEW = {"short_description": "Hello", "correlation_id": "R-1.1.0"}


async def create(client: ServiceNowClient) -> Any:
    return await client.create("change_request", NEW, ("number", "correlation_id"))


async def read(client: ServiceNowClient) -> Any:
    return await client.rows("sys_user", "user_name=sam.carter", ("user_name",))


async def test_rows_are_written_and_read(office: Office) -> None:
    client = office.client()
    made = await create(client)
    sys_id = office.snow.change(made["number"])["sys_id"]
    changed = await client.update("change_request", sys_id, {"comments": "Well."}, ("number",))
    shown = await client.row("change_request", sys_id, ("comments", "state"), shown=True)

    assert {"number": "CHG0030001", "correlation_id": "R-1.1.0"} == dict(made)
    assert "CHG0030001" == changed["number"]
    assert {"value": "-5", "display_value": "New"} == shown["state"]
    assert "Well." in shown["comments"]["display_value"]


async def test_rows_of_several_pages_are_all_read(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PAGE", 3)
    rows = await office.client().rows("sys_user", "ORDERBYuser_name", ("user_name",))
    expected = sorted(row["user_name"] for row in office.snow.rows("sys_user"))

    assert expected == [row["user_name"] for row in rows]
    assert 3 == len(office.snow.requests)


async def test_calls_at_once_do_not_mix_their_answers(office: Office) -> None:
    client = office.client()
    names = [user["user_name"] for user in office.snow.rows("sys_user")] * 8
    found = await asyncio.gather(
        *(client.rows("sys_user", f"user_name={name}", ("user_name",)) for name in names)
    )

    assert [[{"user_name": name}] for name in names] == found


async def test_parameters_are_those_of_this_call_and_as_documented(office: Office) -> None:
    client = office.client()
    await read(client)
    await create(client)
    query = office.snow.requests[-1].query

    assert "" == query["sysparm_query"]
    assert "number,correlation_id" == query["sysparm_fields"]
    assert ("false", "true") == (
        query["sysparm_display_value"],
        query["sysparm_exclude_reference_link"],
    )


@pytest.mark.parametrize(
    ("fault", "write_error", "read_error"),
    [
        (Fault(kind="error", status=429, retry_after_s=7), UnavailableError, UnavailableError),
        (Fault(kind="error", status=503), UnansweredError, UnavailableError),
        (Fault(kind="error_after", status=503), UnansweredError, UnavailableError),
        (Fault(kind="reset"), UnansweredError, UnavailableError),
        (Fault(kind="reset_after"), UnansweredError, UnavailableError),
        (Fault(kind="error", status=400), InvalidError, InvalidError),
    ],
)
async def test_failed_call_is_an_error_of_ours_and_is_not_repeated(
    office: Office,
    fault: Fault,
    write_error: type[CountersignError],
    read_error: type[CountersignError],
) -> None:
    client = office.client()
    for call, kind in ((create, write_error), (read, read_error)):
        office.snow.faults.add(fault)
        before = len(office.snow.requests)
        with pytest.raises(CountersignError) as raised:
            await call(client)

        assert kind is type(raised.value)
        assert 1 == len(office.snow.requests) - before
        if fault.retry_after_s:
            assert isinstance(raised.value, UnavailableError)
            assert 7 == raised.value.retry_after_s


async def test_answer_that_comes_too_late_may_have_been_done(office: Office) -> None:
    client = office.client(timeout="0.2s")
    office.snow.faults.add(Fault(kind="slow", delay_s=2.0, method="POST"))
    office.snow.faults.add(Fault(kind="slow", delay_s=2.0, method="GET"))
    with pytest.raises(UnansweredError):
        await create(client)
    with pytest.raises(UnavailableError) as raised:
        await read(client)

    assert UnavailableError is type(raised.value)


async def test_instance_that_is_not_there_got_nothing(office: Office) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(UnavailableError) as raised:
            await create(office.client(url=url))

    assert UnavailableError is type(raised.value)


async def test_record_that_is_hidden_is_not_found(office: Office) -> None:
    client = office.client()
    made = await create(client)
    sys_id = office.snow.change(made["number"])["sys_id"]
    office.snow.hide(sys_id)
    with pytest.raises(NotFoundError):
        await client.row("change_request", sys_id, ("number",))


@pytest.mark.parametrize("user", ["", "nobody", ADMINISTRATOR.user_name])
async def test_wrong_credentials_say_which_setting_to_look_at(office: Office, user: str) -> None:
    client = office.client(auth={"kind": "basic", "user": user or "x", "password": "wrong"})
    with pytest.raises(UnavailableError, match=r"connectors\.servicenow\.auth") as raised:
        await read(client)

    assert "wrong" not in str(raised.value)


@asynccontextmanager
async def other_server(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    async with serve(app) as url:
        yield url


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, (FOLDER / "hibernating.html").read_text(), {"Content-Type": "text/html"}),
        (200, "[]", {"Content-Type": "application/json"}),
        (200, '{"result": ["x"]}', {"Content-Type": "application/json"}),
        (200, '{"result": null}', {"Content-Type": "application/json"}),
        (302, "", {"Location": "https://login.example.com/"}),
        (302, "", {"Location": "/elsewhere"}),
    ],
)
async def test_anything_but_an_answer_of_the_table_api_is_no_answer(
    office: Office, status: int, body: str, headers: dict[str, str]
) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    async with other_server(handler) as url:
        for call, may_be_done in ((read, False), (create, status == 200)):
            with pytest.raises(UnavailableError) as raised:
                await call(office.client(url=url))

            assert may_be_done == isinstance(raised.value, UnansweredError)


async def test_redirect_is_not_followed(office: Office) -> None:
    """Where it leads may answer like the Table API, and would be sent what we write."""

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/elsewhere":
            return web.json_response({"result": [{"user_name": "x"}]})
        raise web.HTTPFound("/elsewhere")

    async with other_server(handler) as url:
        with pytest.raises(UnavailableError, match="sent us elsewhere"):
            await read(office.client(url=url))


async def test_oauth_calls_run_as_the_application_user(office: Office) -> None:
    client = office.client(auth=OAUTH, user=BOT.user_name)
    made = await create(client)
    await read(client)
    paths = [path for _, path, _ in office.calls()]

    assert BOT.user_name == office.snow.change(made["number"])["sys_created_by"]
    assert 1 == paths.count("/oauth_token.do")


async def test_expired_token_is_replaced_once_and_the_call_is_made_once(office: Office) -> None:
    client = office.client(auth=OAUTH, user=BOT.user_name)
    await read(client)
    office.snow.expire_tokens()
    await create(client)

    assert 1 == len(office.snow.changes())
    assert [("POST", "/oauth_token.do", 200)] * 2 == [
        call for call in office.calls() if call[1] == "/oauth_token.do"
    ]
    assert [401, 201] == [s for m, p, s in office.calls() if m == "POST" and "change" in p]


async def test_threads_wait_for_one_new_token(office: Office) -> None:
    client = office.client(auth=OAUTH, user=BOT.user_name)
    await asyncio.gather(*(read(client) for _ in range(20)))

    assert 1 == [path for _, path, _ in office.calls()].count("/oauth_token.do")


async def test_token_that_runs_out_soon_is_not_used(office: Office) -> None:
    office.snow.options.token_lifetime_s = 20
    client = office.client(auth=OAUTH, user=BOT.user_name)
    await read(client)
    await read(client)

    assert 2 == [path for _, path, _ in office.calls()].count("/oauth_token.do")


@pytest.mark.parametrize(
    ("auth", "fault", "said"),
    [
        ({**OAUTH, "client_secret": "wrong-secret"}, None, "check client_id and client_secret"),
        (OAUTH, Fault(kind="reset", path="oauth"), "gave no token"),
        (OAUTH, Fault(kind="error", status=503, path="oauth", retry_after_s=7), "gave no token"),
    ],
)
async def test_without_a_token_nothing_is_sent(
    office: Office, auth: dict[str, str], fault: Fault | None, said: str
) -> None:
    client = office.client(auth=auth, user=BOT.user_name)
    if fault is not None:
        office.snow.faults.add(fault)
    with pytest.raises(UnavailableError, match=said) as raised:
        await create(client)

    assert UnavailableError is type(raised.value)
    assert "secret-" not in str(raised.value)
    assert [] == office.snow.changes()
    if fault is not None and fault.retry_after_s:
        assert 7 == raised.value.retry_after_s


async def test_cookies_of_the_instance_are_not_sent_back(office: Office) -> None:
    cookies = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(dict(request.cookies))
        answer = web.json_response({"result": []})
        answer.set_cookie("glide_user_session", "x")
        return answer

    async with other_server(handler) as url:
        client = office.client(url=url)
        await read(client)
        await read(client)

    assert [{}, {}] == cookies


async def test_writing_without_the_role_says_what_is_missing(office: Office) -> None:
    auth = {"kind": "basic", "user": MALLORY.user_name, "password": MALLORY.password}
    office.snow.revoke(MALLORY.user_name, "itil")
    with pytest.raises(UnavailableError, match="roles and access rules"):
        await create(office.client(auth=auth))


class StrangeError(Exception):
    """As libraries raise them that nobody has heard of."""


@pytest.mark.parametrize(
    ("call", "kind"), [(read, UnavailableError), (create, UnansweredError)], ids=["read", "write"]
)
async def test_whatever_the_library_raises_is_unavailable_and_named(
    office: Office, monkeypatch: pytest.MonkeyPatch, call: Any, kind: type[Exception]
) -> None:
    import pysnow

    def odd(*_: Any, **__: Any) -> Any:
        raise StrangeError("password=hunter2")

    monkeypatch.setattr(pysnow.Client, "resource", odd)
    with pytest.raises(CountersignError) as caught:
        await call(office.client())

    assert kind is type(caught.value)
    assert "StrangeError" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_whatever_happens_while_a_token_is_fetched_is_unavailable(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    def odd(*_: Any, **__: Any) -> Any:
        raise StrangeError

    monkeypatch.setattr(requests.Session, "post", odd)
    with pytest.raises(UnavailableError, match=r"gave no token.*StrangeError"):
        await read(office.client(auth=OAUTH, user=BOT.user_name))
