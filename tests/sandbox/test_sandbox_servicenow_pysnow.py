"""The instance, driven by the real pysnow; a new Resource for every call, as it wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pysnow
import pytest
import requests

from countersign.sandbox.servicenow import ServiceNow
from countersign.sandbox.servicenow.people import ALEX, BOT, SAM

pytestmark = pytest.mark.asyncio

DIGEST = "4f2a"


class Client:
    """What an integration does with pysnow."""

    def __init__(self, client: pysnow.Client) -> None:
        self._client = client

    def _resource(self, table: str) -> Any:
        return self._client.resource(api_path=f"/table/{table}")

    async def create(self, table: str, **values: Any) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: self._resource(table).create(values).one())

    async def get(self, table: str, query: str, **more: Any) -> list[dict[str, Any]]:
        return await asyncio.to_thread(lambda: self._resource(table).get(query, **more).all())

    async def patch(self, table: str, sys_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(
            lambda: (
                self._resource(table).request("PATCH", path_append=f"/{sys_id}", json=body).one()
            )
        )

    async def delete(self, table: str, query: str) -> Any:
        return await asyncio.to_thread(lambda: self._resource(table).delete(query))


@asynccontextmanager
async def connected(snow: ServiceNow) -> AsyncIterator[Client]:
    host = snow.url.removeprefix("http://")
    with pysnow.Client(host=host, user=BOT.user_name, password=BOT.password, use_ssl=False) as raw:
        yield Client(raw)


async def asked(client: Client, *approvers: str) -> dict[str, Any]:
    """A change with a requested approval for each of `approvers`."""
    change = await client.create(
        "change_request",
        short_description="Provision a server",
        correlation_id="request-1",
        correlation_display="countersign",
    )
    for approver in approvers:
        await client.create(
            "sysapproval_approver",
            sysapproval=change["sys_id"],
            approver=approver,
            state="requested",
        )
    return change


async def test_decision_is_found_by_one_dot_walked_query() -> None:
    async with ServiceNow.start() as snow, connected(snow) as client:
        change = await asked(client, ALEX.sys_id, SAM.sys_id)
        before = snow.change(change["number"])["approval"]
        snow.as_person("alex.wilber").approve(change["number"], "Go ahead.", '{"size": "m"}')
        found = await client.get(
            "sysapproval_approver",
            "sysapproval.correlation_display=countersign^stateINapproved,rejected"
            "^sys_updated_on>=2026-01-01 00:00:00^ORDERBYsys_updated_on",
            fields=["state", "approver.user_name", "sys_updated_by", "sysapproval.correlation_id"],
        )
        states = [row["state"] for row in snow.approvals(change["number"])]

        assert "requested" == before
        assert [
            {
                "state": "approved",
                "approver.user_name": "alex.wilber",
                "sys_updated_by": "alex.wilber",
                "sysapproval.correlation_id": "request-1",
            }
        ] == found
        assert ["approved", "not_required"] == states
        assert "approved" == snow.change(change["number"])["approval"]


async def test_references_are_links_with_values_unless_excluded() -> None:
    async with ServiceNow.start() as snow, connected(snow) as client:
        change = await asked(client, ALEX.sys_id)
        row = (await client.get("sysapproval_approver", ""))[0]

        assert f"{snow.url}/api/now/table/sys_user/{ALEX.sys_id}" == row["approver"]["link"]
        assert {
            "link": f"{snow.url}/api/now/table/task/{change['sys_id']}",
            "value": change["sys_id"],
        } == row["sysapproval"]
        assert change["sys_id"] == row["document_id"]["value"]
        assert "change_request" == row["source_table"]


async def test_answer_written_by_the_integration_shows_the_integration() -> None:
    async with ServiceNow.start() as snow, connected(snow) as client:
        change = await asked(client, ALEX.sys_id)
        row = snow.approvals(change["number"])[0]
        written = await client.patch("sysapproval_approver", row["sys_id"], {"state": "approved"})
        snow.revoke("svc_approvals", "approval_admin")
        with pytest.raises(requests.HTTPError, match="403"):
            await client.patch("sysapproval_approver", row["sys_id"], {"state": "rejected"})

        assert ("svc_approvals", ALEX.sys_id) == (
            written["sys_updated_by"],
            written["approver"]["value"],
        )


async def test_deletes_by_query_and_then_finds_nothing() -> None:
    async with ServiceNow.start() as snow, connected(snow) as client:
        change = await asked(client, ALEX.sys_id)
        row = snow.approvals(change["number"])[0]
        await client.delete("sysapproval_approver", f"sys_id={row['sys_id']}")
        with pytest.raises(requests.HTTPError, match="404"):
            await client.patch("sysapproval_approver", row["sys_id"], {"state": "requested"})

        assert [] == await client.get("sysapproval_approver", "")


async def test_failure_after_the_commit_leaves_the_change() -> None:
    async with ServiceNow.start() as snow, connected(snow) as client:
        snow.faults.fail(503, method="POST")
        with pytest.raises(requests.HTTPError):
            await asked(client)
        none = snow.changes()
        for kind in ("error_after", "reset_after"):
            await asyncio.to_thread(
                requests.post,
                f"{snow.url}/_sandbox/fault",
                json={"kind": kind, "status": 503, "method": "POST"},
                timeout=5,
            )
            with pytest.raises(requests.RequestException):
                await asked(client)

        assert [] == none
        assert ["CHG0030001", "CHG0030002"] == [change["number"] for change in snow.changes()]
        assert 2 == len(await client.get("change_request", "correlation_id=request-1"))
