"""The door of programs in the OpenAPI document: what it answers is what stands there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from countersign.approvals.errors import BusyError, UnavailableError
from countersign.bot.api import openapi
from countersign.connectors.webhook import decisions
from countersign.connectors.webhook.bodies import PATH, Decided
from tests.connectors.webhook.hook_world import OTHER, HookWorld, hooked, signed

pytestmark = pytest.mark.asyncio
API = openapi.document((), version="0", takes_decisions=True)
OPERATION = API["paths"][PATH]["post"]
PAGE = (Path(__file__).parents[3] / "docs/api.md").read_text(encoding="utf-8")
Answer = tuple[int, Any]


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[HookWorld]:
    async with hooked(tmp_path) as running:
        yield running


def validator(schema: Any) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": API["components"]})


def checked(answer: Answer) -> Answer:
    """The answer, if the document has one like it."""
    status, body = answer
    content = OPERATION["responses"][str(status)]["content"]["application/json"]
    validator(content["schema"]).validate(body)
    return answer


async def test_every_answer_is_documented(world: HookWorld) -> None:
    request = await world.mailed()
    said = world.said(request)
    modify = {**said, "verdict": "modify", "arguments": {"customer_id": 7}}
    answers = {
        "signed by a stranger": await world.decide(
            said, headers=signed(said, message_id="x", secret=OTHER)
        ),
        "spoken for": await world.decide({**said, "actor": "cara"}),
        "unknown": await world.decide({**said, "request": "R-NO"}),
        "no verdict": await world.decide({**said, "verdict": "perhaps"}),
        "arguments": await world.decide(modify),
        "stale": await world.decide({**said, "digest": "0" * 64}),
        "counts": await world.decide(said, message_id="msg_1st"),
        "again": await world.decide(said, message_id="msg_1st"),
        "late": await world.decide(said),
    }
    found = {name: checked(answer) for name, answer in answers.items()}

    assert {
        "signed by a stranger": (401, "not-signed"),
        "spoken for": (403, "may-not-speak-for"),
        "unknown": (404, "gone"),
        "no verdict": (422, "invalid"),
        "arguments": (422, "invalid"),
        "stale": (409, "stale"),
        "counts": (200, "decided"),
        "again": (409, "replayed"),
        "late": (409, "lost"),
    } == {name: (status, body["result"]) for name, (status, body) in found.items()}
    assert found["arguments"][1]["errors"]
    validator(OPERATION["requestBody"]["content"]["application/json"]["schema"]).validate(said)


@pytest.mark.parametrize(
    ("error", "expected", "after"),
    [
        (BusyError("Full.", retry_after_s=2.2), (429, "busy"), "3"),
        (UnavailableError("Away."), (503, "unavailable"), "5"),
    ],
)
async def test_whoever_is_to_come_again_is_told_when(
    world: HookWorld,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    expected: tuple[int, str],
    after: str,
) -> None:
    request = await world.mailed()

    async def fails(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(decisions, "receive", fails)
        status, said, headers = await world.decide_with_headers(world.said(request))
    counted = await world.decide(world.said(request))

    assert (*expected, after) == (status, said["result"], headers["Retry-After"])
    checked((status, said))
    assert "Retry-After" in OPERATION["responses"][str(status)]["headers"]
    assert 200 == counted[0]


async def test_document_asks_for_a_signature_instead_of_a_token() -> None:
    assert [] == OPERATION["security"]
    headers = {each["name"] for each in OPERATION["parameters"] if each["required"]}
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} == headers
    assert set(Decided.model_fields) == set(API["components"]["schemas"]["Decided"]["properties"])


async def test_page_of_the_api_says_what_is_taken() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `POST {PATH}`")]
    for name in Decided.model_fields:
        assert f"`{name}`" in row
    for status in (*OPERATION["responses"],):
        assert status in row, status
