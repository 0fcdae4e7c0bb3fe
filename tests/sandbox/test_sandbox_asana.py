"""The vendor's own client works against the stand-in, and is refused what Asana refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asana
import httpx
import pytest
import pytest_asyncio
from asana.rest import ApiException

from countersign.sandbox.asana.people import ALEX, BOT, CHANGES_FIELD, ORDER_FIELD, PROJECT, SAM
from countersign.sandbox.asana.server import Asana

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Client:
    """The vendor's client as somebody, in a thread: it blocks."""

    def __init__(self, url: str, token: str):
        configuration = asana.Configuration()
        configuration.host, configuration.access_token = f"{url}/api/1.0", token
        self.api = asana.ApiClient(configuration)
        self.tasks, self.stories = asana.TasksApi(self.api), asana.StoriesApi(self.api)
        self.events, self.batch = asana.EventsApi(self.api), asana.BatchAPIApi(self.api)
        self.users, self.webhooks = asana.UsersApi(self.api), asana.WebhooksApi(self.api)

    async def do(self, call: Callable[..., Any], *given: Any) -> Any:
        """The answer; pages are read to their end."""

        def work() -> Any:
            found = call(*given)
            return found if isinstance(found, dict) else list(found)

        return await asyncio.to_thread(work)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Asana]:
    async with Asana.start() as running:
        yield running


@pytest.fixture
def bot(site: Asana) -> Client:
    return Client(site.url, BOT.token)


@pytest.fixture
def alex(site: Asana) -> Client:
    return Client(site.url, ALEX.token)


async def made(client: Client, **more: Any) -> Any:
    data = {"name": "Approve it", "projects": [PROJECT], "resource_subtype": "approval", **more}
    return await client.do(client.tasks.create_task, {"data": data}, {})


async def test_approval_is_made_answered_and_told(bot: Client, alex: Client) -> None:
    fields = {
        "custom_fields": {ORDER_FIELD: "R-1.1.0"},
        "assignee": ALEX.gid,
        "followers": [SAM.gid],
    }
    task = await made(bot, notes="All of it.", **fields)
    answer = {"data": {"approval_status": "approved"}}
    after = await alex.do(alex.tasks.update_task, answer, task["gid"], {})
    await alex.do(alex.stories.create_story_for_task, {"data": {"text": "Fine."}}, task["gid"], {})
    wanted = {"opt_fields": "new_approval_status,created_by.name,text,resource_subtype"}
    told = await bot.do(bot.stories.get_stories_for_task, task["gid"], wanted)

    assert ("pending", False) == (task["approval_status"], task["completed"])
    assert ("approved", True, ALEX.gid) == (
        after["approval_status"],
        after["completed"],
        after["completed_by"]["gid"],
    )
    assert [("approved", "Alex Wilber")] == [
        (s["new_approval_status"], s["created_by"]["name"])
        for s in told
        if "new_approval_status" in s
    ]
    assert "Fine." == told[-1]["text"]


async def test_status_and_completed_are_kept_in_step(alex: Client) -> None:
    task = await made(alex)
    steps = [{"completed": True}, {"completed": False}, {"approval_status": "changes_requested"}]
    found = [
        await alex.do(alex.tasks.update_task, {"data": step}, task["gid"], {}) for step in steps
    ]

    assert [("approved", True), ("pending", False), ("changes_requested", True)] == [
        (each["approval_status"], each["completed"]) for each in found
    ]


async def test_list_comes_in_pages_and_without_what_was_completed(
    bot: Client, alex: Client
) -> None:
    before = await _open(bot)
    tasks = [await made(bot) for _ in range(3)]
    done = {"data": {"approval_status": "rejected"}}
    await alex.do(alex.tasks.update_task, done, tasks[1]["gid"], {})
    after = await _open(bot)

    assert [tasks[0]["gid"], tasks[2]["gid"]] == [gid for gid in after if gid not in before]


async def test_events_begin_with_a_token_and_tell_what_happened(site: Asana, bot: Client) -> None:
    async with httpx.AsyncClient(
        base_url=f"{site.url}/api/1.0", headers={"Authorization": f"Bearer {BOT.token}"}
    ) as http:
        first = await http.get("/events", params={"resource": PROJECT})
        task = await made(bot)
        sync = {"resource": PROJECT, "sync": first.json()["sync"]}
        then = (await http.get("/events", params=sync)).json()

    assert 412 == first.status_code
    assert {"errors", "sync"} == first.json().keys()
    assert [("added", task["gid"])] == [
        (e["action"], e["resource"]["gid"]) for e in then["data"] if e["action"] == "added"
    ]
    assert then["has_more"] is False


async def test_batch_answers_each_and_at_most_ten(bot: Client) -> None:
    task = await made(bot)
    good = {
        "relative_path": f"/tasks/{task['gid']}",
        "method": "get",
        "options": {"fields": ["name"]},
    }
    odd = [{**good, "relative_path": "/tasks/1"}, {**good, "relative_path": "/batch"}]
    found = await bot.do(bot.batch.create_batch_request, {"data": {"actions": [good, *odd]}}, {})

    assert [200, 404, 400] == [each["status_code"] for each in found]
    assert {"gid": task["gid"], "name": "Approve it"} == found[0]["body"]["data"]
    with pytest.raises(ApiException) as raised:
        await bot.do(bot.batch.create_batch_request, {"data": {"actions": [good] * 11}}, {})
    assert 400 == raised.value.status


@pytest.mark.parametrize(
    "data",
    [
        {"approval_status": "fine"},
        {"assignee": "7"},
        {"custom_fields": {"7": "x"}},
        {"custom_fields": {CHANGES_FIELD: "x" * 1025}},
        {"resource_subtype": "bug"},
        {"name": 7},
        {"projects": [PROJECT]},
    ],
)
async def test_what_asana_does_not_take_is_refused(alex: Client, data: dict[str, Any]) -> None:
    task = await made(alex)

    with pytest.raises(ApiException) as raised:
        await alex.do(alex.tasks.update_task, {"data": data}, task["gid"], {})
    assert 400 == raised.value.status
    assert task["name"] == (await alex.do(alex.tasks.get_task, task["gid"], {}))["name"]


async def test_wrong_token_and_unknown_things_are_refused(site: Asana, alex: Client) -> None:
    nobody = Client(site.url, "2/9/nobody")
    asked = [
        (nobody, nobody.users.get_user, "me"),
        (alex, alex.tasks.get_task, "7"),
        (alex, alex.users.get_user, "7"),
    ]
    statuses = []
    for client, call, gid in asked:
        with pytest.raises(ApiException) as raised:
            await client.do(call, gid, {})
        statuses.append(raised.value.status)

    assert [401, 404, 404] == statuses


async def test_webhook_needs_a_target_that_answers(alex: Client) -> None:
    data = {"data": {"resource": PROJECT, "target": "http://127.0.0.1:9/nobody"}}

    with pytest.raises(ApiException) as raised:
        await alex.do(alex.webhooks.create_webhook, data, {})
    assert 400 == raised.value.status


async def test_people_answer_on_the_page(site: Asana, bot: Client) -> None:
    task = await made(bot, notes="<b>All</b> of it.")
    async with httpx.AsyncClient(base_url=site.url, follow_redirects=True) as http:
        path = f"/0/{PROJECT}/{task['gid']}?as=sam"
        form = {"comment": "Too much.", "changes": "amount: 1", "status": "changes_requested"}
        shown, done = await http.get(path), await http.post(path, data=form)
        all_of_them, nothing = await http.get("/"), await http.get(f"/0/{PROJECT}/7")
        wrong = await http.post(path, data={"status": "fine"})

    assert "&lt;b&gt;All&lt;/b&gt; of it." in shown.text
    for part in ("changes requested", "Too much.", "amount: 1", "Sam Carter"):
        assert part in done.text
    assert "Approve it" in all_of_them.text
    assert (404, 400) == (nothing.status_code, wrong.status_code)


async def _open(client: Client) -> list[str]:
    wanted = {"project": PROJECT, "completed_since": "now", "limit": 2}
    return [each["gid"] for each in await client.do(client.tasks.get_tasks, wanted)]
