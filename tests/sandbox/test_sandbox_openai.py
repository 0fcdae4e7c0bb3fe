"""The scripted model, driven with the openai package."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from countersign.sandbox.openai import (
    Call,
    Conversation,
    Reply,
    Say,
    ScriptedModel,
    ToolCall,
)

pytestmark = pytest.mark.asyncio

TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "lookup", "description": "Look up", "parameters": {"type": "object"}},
    }
]
ASK: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "You are a clerk."},
    {"role": "user", "content": "Find Contoso."},
]


def echo(conversation: Conversation) -> Reply:
    if not conversation.tool_results:
        return Call(
            (ToolCall("lookup", {"name": "Contoso"}), ToolCall("lookup", {"name": "Fabrikam"}))
        )
    return Say(f"Found {len(conversation.tool_results)} for: {conversation.task}")


def client(model: ScriptedModel, key: str | None = None) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=model.base_url, api_key=key or model.api_key, max_retries=0)


async def test_calls_tools_and_reads_their_results() -> None:
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        first = await ai.chat.completions.create(model="gpt-4o", messages=ASK, tools=TOOLS)
        message = first.choices[0].message
        calls = message.tool_calls or []
        answers: list[Any] = [
            message.to_dict(),
            *({"role": "tool", "tool_call_id": call.id, "content": "{}"} for call in calls),
        ]
        second = await ai.chat.completions.create(
            model="gpt-4o",
            messages=[*ASK, *answers],
            tools=TOOLS,
        )

    assert "tool_calls" == first.choices[0].finish_reason
    assert first.usage is not None
    assert 2 == len({call.id for call in calls})
    assert "Found 2 for: Find Contoso." == second.choices[0].message.content
    assert ["POST", "POST"] == [request.method for request in model.requests]


async def test_streams_text_tool_calls_and_usage() -> None:
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        stream = await ai.chat.completions.create(
            model="gpt-4o",
            messages=ASK,
            tools=TOOLS,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]

    pieces = [choice for chunk in chunks for choice in chunk.choices]
    names = [
        call.function.name for p in pieces for call in p.delta.tool_calls or [] if call.function
    ]

    assert ["lookup", "lookup"] == names
    assert "tool_calls" == pieces[-1].finish_reason
    assert chunks[-1].usage is not None


@pytest.mark.parametrize(
    ("messages", "words", "param"),
    [
        (
            [
                {"role": "user", "content": "x"},
                {"role": "tool", "tool_call_id": "call_1", "content": "y"},
            ],
            "must be a response to a preceeding message with 'tool_calls'",
            "messages.[1].role",
        ),
        (
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        },
                        {
                            "id": "call_2",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        },
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "y"},
                {"role": "user", "content": "x"},
            ],
            "did not have response messages: call_2",
            "messages.[2].role",
        ),
        (
            [{"role": "tool", "tool_call_id": "a", "content": "x", "tool_responses": []}],
            "Unknown parameter: 'messages[0].tool_responses'.",
            "messages[0].tool_responses",
        ),
        (
            [{"role": "user", "content": None}],
            "expected a string, got null",
            "messages.[0].content",
        ),
        ([{"role": "boss", "content": "x"}], "Invalid value: 'boss'", "messages[0].role"),
        (
            [{"role": "user", "name": "a b", "content": "x"}],
            "does not match pattern",
            "messages[0].name",
        ),
    ],
)
async def test_refuses_what_openai_refuses(messages: Any, words: str, param: str) -> None:
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        with pytest.raises(openai.BadRequestError) as refused:
            await ai.chat.completions.create(model="gpt-4o", messages=messages)

    assert words in str(refused.value)
    assert "invalid_request_error" == refused.value.type
    assert param == refused.value.param


async def test_refuses_a_wrong_key_and_an_unknown_argument() -> None:
    async with ScriptedModel.start(reply=echo) as model:
        async with client(model, "sk-other") as ai:
            with pytest.raises(openai.AuthenticationError):
                await ai.models.list()
        async with client(model) as ai:
            with pytest.raises(openai.BadRequestError, match="price"):
                await ai.chat.completions.create(
                    model="gpt-4o", messages=ASK, extra_body={"price": [0, 0]}
                )
            listed = await ai.models.list()

    assert "gpt-4o" in [found.id for found in listed.data]


async def test_faults_are_used_up_one_by_one() -> None:
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        model.faults.fail(429, retry_after_s=7)
        model.faults.fail(500)
        with pytest.raises(openai.RateLimitError) as limited:
            await ai.chat.completions.create(model="gpt-4o", messages=ASK)
        with pytest.raises(openai.InternalServerError):
            await ai.chat.completions.create(model="gpt-4o", messages=ASK)
        await ai.chat.completions.create(model="gpt-4o", messages=ASK)

        assert "7" == limited.value.response.headers["retry-after"]
        assert [] == model.faults.pending()


async def test_reset_breaks_the_connection_and_is_recorded() -> None:
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        async with httpx.AsyncClient(base_url=model.url) as http:
            answer = await http.post("/_sandbox/fault", json={"kind": "reset"})
            with pytest.raises(openai.APIConnectionError):
                await ai.chat.completions.create(model="gpt-4o", messages=ASK)
            requests = (await http.get("/_sandbox/requests")).json()

    assert 201 == answer.status_code
    assert "Find Contoso." == requests[0]["body"]["messages"][1]["content"]


async def test_rules_sent_over_http_answer_before_the_script() -> None:
    rules = [
        {
            "agent": "clerk",
            "tool_results": 0,
            "contains": "Find",
            "calls": [{"name": "lookup", "arguments": {"name": "X"}, "id": "call_fixed"}],
        },
        {"agent": "clerk", "text": "Done."},
    ]
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        async with httpx.AsyncClient(base_url=model.url) as http:
            refused = await http.post("/_sandbox/script", json=[{"agent": "clerk"}])
            accepted = await http.post("/_sandbox/script", json=rules)
            first = await ai.chat.completions.create(model="gpt-4o", messages=ASK, tools=TOOLS)
            second = await ai.chat.completions.create(model="gpt-4o", messages=ASK[:1])
            await http.delete("/_sandbox/script")

        assert (422, 200) == (refused.status_code, accepted.status_code)
        assert "call_fixed" == (first.choices[0].message.tool_calls or [])[0].id
        assert "Done." == second.choices[0].message.content
        assert [] == model.rules


async def test_legacy_functions_get_a_function_call() -> None:
    async with ScriptedModel.start(reply=echo) as model, client(model) as ai:
        answer = await ai.chat.completions.create(
            model="gpt-4o", messages=ASK, functions=[{"name": "lookup", "parameters": {}}]
        )

    assert "function_call" == answer.choices[0].finish_reason
    assert answer.choices[0].message.function_call is not None


@pytest.mark.parametrize(
    ("chat", "expected"),
    [
        ([{"role": "user", "name": "gatekeeper", "content": "quote for Contoso"}], "analyst"),
        ([{"role": "user", "name": "analyst", "content": "Here is the record."}], "quoter"),
        (
            [
                {
                    "role": "assistant",
                    "name": "quoter",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        }
                    ],
                },
                {"role": "tool", "tool_call_id": "call_1", "content": "{}"},
            ],
            "quoter",
        ),
    ],
)
async def test_picks_the_next_speaker_when_autogen_asks(chat: Any, expected: str) -> None:
    names = "['gatekeeper', 'analyst', 'quoter']"
    ask = f"Then select the next role from {names} to play. Only return the role."  # noqa: S608
    opening = (
        "You are in a role play game. The following roles are available:\ngatekeeper: runs tools"
    )
    async with ScriptedModel.start() as model, client(model) as ai:
        answer = await ai.chat.completions.create(
            model="gpt-4o",
            messages=[
                {"role": "system", "content": opening},
                *chat,
                {"role": "system", "name": "checking_agent", "content": ask},
            ],
        )

    assert expected == answer.choices[0].message.content
