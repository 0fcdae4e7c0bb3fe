"""What a script answers, and what it says if it cannot."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from countersign.testing import Call, Conversation, ModelScript, Say, ScriptError, ToolCall, call
from countersign.testing.script import load_script

CLERK = {"role": "system", "content": "You are the clerk. You pay."}
TASK = {"role": "user", "content": "refund 40 EUR"}


def conversation(*messages: dict[str, str]) -> Conversation:
    return Conversation((CLERK, TASK, *messages))


def test_turns_are_given_in_their_order() -> None:
    script = ModelScript(call("pay", why="They asked.", amount=40), "Paid.")

    first = script(conversation())
    second = script(conversation({"role": "assistant", "content": "I pay."}))

    assert Call((ToolCall("pay", {"amount": 40}),), text="They asked.") == first
    assert Say("Paid.") == second


def test_turn_too_many_is_told() -> None:
    with pytest.raises(ScriptError, match="nobody answers for the agent"):
        ModelScript()(conversation())
    with pytest.raises(ScriptError, match=r"it has 1 turns, and .* after 'more'"):
        ModelScript("One.")(
            conversation(
                {"role": "assistant", "content": "One."}, {"role": "user", "content": "more"}
            )
        )


def test_agents_are_known_by_their_system_message() -> None:
    script = ModelScript()

    @script.agent("You are the auditor")
    def auditor(chat: Conversation) -> str:
        return "I look."

    @script.agent("You are the clerk")
    def clerk(chat: Conversation) -> str:
        return f"I do: {chat.task}"

    assert Say("I do: refund 40 EUR") == script(conversation())
    with pytest.raises(ScriptError, match=r"'You are nobody'; .* Known: 'You are the auditor', "):
        script(Conversation(({"role": "system", "content": "You are nobody"}, TASK)))


def test_answer_that_is_none_is_told() -> None:
    script = ModelScript()
    script.agent("You are the clerk")(lambda chat: None)  # type: ignore[arg-type, return-value]

    with pytest.raises(ScriptError, match=re.escape("gave None; answer with words or call(...)")):
        script(conversation())


async def test_real_client_reads_it() -> None:
    async with ModelScript("Hello.").serve(api_key="k") as model, httpx.AsyncClient() as http:
        body = {"model": "gpt-4o", "messages": [CLERK, TASK]}
        answer = await http.post(
            f"{model.base_url}/chat/completions", json=body, headers={"Authorization": "Bearer k"}
        )

    assert "Hello." == answer.json()["choices"][0]["message"]["content"]


def test_script_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_script.py").write_text(
        "from countersign.testing import ModelScript\nscript = ModelScript('Hi.')\nother = 1\n"
    )

    assert Say("Hi.") == load_script("a_script", tmp_path)(conversation())
    with pytest.raises(ScriptError, match=r"a_script\.py has no ModelScript of that name"):
        load_script("a_script:other", tmp_path)
    with pytest.raises(ScriptError, match=re.escape(f"it is looked for in {tmp_path}")):
        load_script("there_is_none:script", tmp_path)
