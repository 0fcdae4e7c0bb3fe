"""What goes wrong on the way to Jira is said in our own errors, and nothing is tried twice."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from jira import JIRA

from countersign.approvals.errors import (
    CountersignError,
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.refusals import ForbiddenError
from countersign.connectors.jira.session import JiraSession
from countersign.sandbox._faults import Fault
from countersign.sandbox._serve import serve
from countersign.sandbox.jira.people import BOT, CLOUD_ID
from tests.connectors.jira.fixtures import settings as cloud_settings
from tests.connectors.jira.site import JiraSite
from tests.contracts.tickets_jira import settings


def reading(jira: JIRA) -> Any:
    """Who we are."""
    return jira._session.get(f"{jira.server_url}/rest/api/2/myself").json()


def writing(jira: JIRA) -> Any:
    """A comment."""
    url = f"{jira.server_url}/rest/api/2/issue/OPS-1/comment"
    return jira._session.post(url, data='{"body": "x"}')


async def raised(session: JiraSession, *, write: bool = False) -> CountersignError:
    """What a call raises."""
    with pytest.raises(CountersignError) as caught:
        await session.run("a look", writing if write else reading, write=write)
    return caught.value


@pytest.fixture
def session(site: JiraSite) -> JiraSession:
    """On a site with one issue."""
    site.jira.as_person("alex").create("OPS", "Mine")
    return site.session()


async def ready(session: JiraSession) -> None:
    """Have it signed in, so that what fails is the call itself."""
    await session.run("signing in", reading)


def in_(seconds: float) -> str:
    """An HTTP date."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        ("1.5", 1.5, 1.5),
        ("0", 0, 0),
        ("99999", 900, 900),
        (60, 40, 60),
        (-60, 0, 0),
        (99_999, 900, 900),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_wait_that_jira_asks_for_is_passed_on_in_each_of_its_forms(
    site: JiraSite, session: JiraSession, status: int, header: str | int, least: float, most: float
) -> None:
    await ready(session)
    asked = in_(header) if isinstance(header, int) else header
    site.jira.faults.fail(status, retry_after=asked)
    error = await raised(session)

    assert type(error) is UnavailableError
    assert error.retry_after_s is not None
    assert least <= error.retry_after_s <= most


@pytest.mark.parametrize("header", ["soon", "nan", "-inf", ""])
async def test_wait_that_is_none_is_not_passed_on(
    site: JiraSite, session: JiraSession, header: str
) -> None:
    await ready(session)
    site.jira.faults.fail(429, retry_after=header)
    error = await raised(session)

    assert isinstance(error, UnavailableError)
    assert None is error.retry_after_s


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_write_that_failed_inside_jira_may_have_been_done(
    site: JiraSite, session: JiraSession, status: int
) -> None:
    await ready(session)
    site.jira.faults.add(Fault(kind="error_after", status=status, retry_after_s=3))
    before = len(site.calls())
    error = await raised(session, write=True)

    assert isinstance(error, UnansweredError)
    assert 3 == error.retry_after_s
    assert 1 == len(site.calls()) - before


async def test_reset_connection_means_unanswered_for_a_write_only(
    site: JiraSite, session: JiraSession
) -> None:
    await ready(session)
    site.jira.faults.add(Fault(kind="reset_after", times=2))

    assert type(await raised(session)) is UnavailableError
    assert type(await raised(session, write=True)) is UnansweredError
    assert 1 == len(site.jira.issue("OPS-1")["fields"]["comment"]["comments"])


async def test_slow_answer_is_given_up(site: JiraSite) -> None:
    site.jira.as_person("alex").create("OPS", "Mine")
    session = site.session(timeout="0.2s")
    await ready(session)
    site.jira.faults.add(Fault(kind="slow", delay_s=5.0, times=2))

    assert type(await raised(session)) is UnavailableError
    assert type(await raised(session, write=True)) is UnansweredError


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, UnavailableError, "connectors.jira.auth"),
        (403, ForbiddenError, "docs/jira.md"),
        (404, NotFoundError, "hides it from us"),
        (410, UnavailableError, "connectors.jira.deployment"),
    ],
)
async def test_refusal_says_what_to_look_at(
    site: JiraSite, session: JiraSession, status: int, kind: type[Exception], said: str
) -> None:
    await ready(session)
    site.jira.faults.fail(status, times=2)
    errors = [await raised(session), await raised(session, write=True)]

    assert [kind, kind] == [type(error) for error in errors]
    assert all(said in str(error) for error in errors)


async def test_what_jira_does_not_take_is_invalid_for_a_write_only(
    site: JiraSite, session: JiraSession
) -> None:
    await ready(session)
    site.jira.faults.fail(400, code="No such thing", times=2)
    read, write = await raised(session), await raised(session, write=True)

    assert (UnavailableError, True) == (type(read), isinstance(write, InvalidError))
    assert "No such thing" in str(read)
    assert "No such thing" in str(write)


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "basic", "email": BOT.email, "token": "t0p-secret"},
        {"kind": "oauth", "token": "t0p-secret", "cloud_id": CLOUD_ID},
    ],
)
async def test_wrong_token_is_named_and_not_shown(site: JiraSite, auth: dict[str, str]) -> None:
    gateway = {"gateway": site.jira.url} if auth["kind"] == "oauth" else {}
    error = await raised(site.session(auth={**auth, **gateway}), write=True)

    assert type(error) is UnavailableError
    assert "connectors.jira.auth" in str(error)
    assert "t0p-secret" not in str(error)


async def test_oauth_goes_through_the_gateway(site: JiraSite) -> None:
    auth = {"kind": "oauth", "token": BOT.oauth_token, "cloud_id": CLOUD_ID}
    session = site.session(auth={**auth, "gateway": site.jira.url})
    await ready(session)

    assert {
        f"/ex/jira/{CLOUD_ID}/rest/api/2/{end}" for end in ("serverInfo", "field", "myself")
    } == {path for _, path in site.calls()}


@pytest.mark.parametrize(
    "auth",
    [
        {"kind": "pat", "token": BOT.token},
        {"kind": "password", "user": BOT.login, "password": BOT.password},
    ],
)
async def test_data_center_takes_a_token_or_a_password(
    data_center: JiraSite, auth: dict[str, str]
) -> None:
    who = await data_center.session(auth=auth).run("who we are", reading)

    assert BOT.login == who["name"]


async def test_wrong_deployment_is_noticed_before_anything_is_asked(site: JiraSite) -> None:
    auth = {"kind": "pat", "token": BOT.token}
    site.jira.as_person("alex").create("OPS", "Mine")
    error = await raised(site.session(deployment="datacenter", auth=auth))

    assert isinstance(error, UnavailableError)
    assert [("GET", "/rest/api/2/serverInfo")] == site.calls()


async def test_failed_sign_in_is_no_doubt_whether_it_was_written(site: JiraSite) -> None:
    site.jira.faults.add(Fault(kind="reset_after", path="/serverInfo"))
    error = await raised(site.session(), write=True)

    assert type(error) is UnavailableError
    assert [("GET", "/rest/api/2/serverInfo")] == site.calls()


async def test_nobody_there_is_no_doubt_whether_it_was_written() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    session = JiraSession(cloud_settings(url=url))
    error = await raised(session, write=True)
    await session.close()

    assert type(error) is UnavailableError


Answer = Callable[[web.Request], web.Response]
STRANGE: dict[str, Answer] = {
    "page": lambda _: web.Response(text="<html>Down for maintenance</html>"),
    "list": lambda _: web.json_response([]),
    "empty": lambda _: web.Response(),
    "elsewhere": lambda _: web.Response(status=302, headers={"Location": "/login"}),
    "nobody": lambda _: web.json_response(
        {"deploymentType": "Cloud"}, headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
    ),
}


@pytest.mark.parametrize("name", STRANGE)
async def test_answer_that_is_none_means_unavailable(name: str) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return STRANGE[name](request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with serve(app) as url:
        session = JiraSession(cloud_settings(url=url))
        error = await raised(session)
        await session.close()

    assert type(error) is UnavailableError
    assert ("connectors.jira.auth" in str(error)) == (name == "nobody")
    assert 1 == len(asked)


async def test_signing_in_takes_the_calls_of_the_package_and_no_more(site: JiraSite) -> None:
    session = site.session()
    for _ in range(3):
        await session.run("who we are", reading)
    paths = [path.rpartition("/")[2] for _, path in site.calls()]

    assert ["serverInfo", "field", "myself", "myself", "myself"] == paths


async def test_pages_are_read_to_the_end_on_both_deployments(
    site: JiraSite, data_center: JiraSite
) -> None:
    for one in (site, data_center):
        for number in range(230):
            one.jira.as_person("alex").create("OPS", f"Issue {number}", labels=["mine"])
        client = JiraClient(settings(one.jira))
        query = 'project = "OPS" AND labels = "mine" ORDER BY created ASC'
        found = await client.search(query, ["summary"], "changelog")
        await client.close()

        assert [f"Issue {n}" for n in range(230)] == [raw["fields"]["summary"] for raw in found]
        assert 3 == sum("/search" in path for _, path in one.calls())


class StrangeError(Exception):
    """As libraries raise them that nobody has heard of."""


async def test_whatever_the_package_raises_is_unavailable_and_named(
    site: JiraSite, session: JiraSession
) -> None:
    def odd(_jira: JIRA) -> Any:
        raise StrangeError("password=hunter2")

    await ready(session)
    for write, kind in ((False, UnavailableError), (True, UnansweredError)):
        with pytest.raises(CountersignError) as caught:
            await session.run("a look", odd, write=write)

        assert kind is type(caught.value)
        assert "StrangeError" in str(caught.value)
        assert "hunter2" not in str(caught.value)
