"""What may be said of an agent that lets something else answer, and what is let be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from autogen import ConversableAgent

from countersign import Chat, Registry, WorkflowContext
from countersign.agents.classic.answering import answers_elsewhere
from countersign.approvals.errors import ConfigurationError
from tests.agents.hostile.at_start import FOREIGN
from tests.agents.hostile.frame import Build, Effect, gatekeeper, of, speaker


@pytest.mark.parametrize("build", [build for build, _ in FOREIGN])
def test_no_advice_leads_there(build: Build, tmp_path: Path) -> None:
    """With NEVER it would be as wrong."""
    with pytest.raises(ConfigurationError) as refused:
        Registry(WorkflowContext({})).add(of(build, Effect(tmp_path / "effect")))

    (problem,) = refused.value.problems
    assert "NEVER" not in problem
    assert "offer it the tools with register_function" in problem


def test_own_functions_are_let_be(tmp_path: Path) -> None:
    class Own(ConversableAgent):
        def generate_reply(self, *args: Any, **kwargs: Any) -> Any:
            return super().generate_reply(*args, **kwargs)

    def build(_: WorkflowContext, __: Effect) -> Chat:
        agent = Own("own", llm_config=False, human_input_mode="NEVER")
        agent.register_reply(lambda _: True, lambda *_, **__: (True, "own"))
        return Chat(gatekeeper(), agent)

    Registry(WorkflowContext({})).add(of(build, Effect(tmp_path / "effect")))


def test_a_nested_chat_is_autogens_own() -> None:
    agent = speaker()
    agent.register_nested_chats([{"recipient": speaker("x"), "max_turns": 1}], lambda _: True)

    assert None is answers_elsewhere(agent)
