"""The quick agents reply as AutoGen's own do, and notice every change of their functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import autogen
import pytest
from autogen import ConversableAgent

from countersign import ApprovalProxy
from countersign.agents.classic import cached_replies
from countersign.agents.classic.workflows import Workflow
from countersign.approvals.models import RequestStatus, SessionStatus
from tests.agents import teams
from tests.agents.people import FakeOffice
from tests.agents.state import COUNTS_TWICE
from tests.agents.teams import GUARDED, Effects, story, team
from tests.agents.world import world

if COUNTS_TWICE:
    pytest.skip("pyautogen 0.9 skips no sync functions", allow_module_level=True)


class Asked(ConversableAgent):
    """Counts how often AutoGen works it out."""

    times = 0

    def _get_sync_funcs_to_skip_in_async_chat(self) -> set[Any]:
        self.times += 1
        return super()._get_sync_funcs_to_skip_in_async_chat()


class Agent(cached_replies.CachedReplies, Asked):
    """A quick one that counts."""

    async def a_other(self, *_: Any, **__: Any) -> tuple[bool, None]:
        """An async reply function."""
        return False, None

    def other(self, *_: Any, **__: Any) -> tuple[bool, None]:
        """Its sync twin."""
        return False, None


def _skipped(agent: ConversableAgent) -> set[Any]:
    """What AutoGen would say, and that the quick answer is the same."""
    expected = ConversableAgent._get_sync_funcs_to_skip_in_async_chat(agent)
    assert agent._get_sync_funcs_to_skip_in_async_chat() == expected
    return expected


def test_autogen_is_asked_once_for_each_set_of_functions() -> None:
    """Registered, replaced and reordered functions, and another flag, count as another set."""
    agent = Agent("one", llm_config=False)
    first = _skipped(agent)
    assert (first, 1) == (_skipped(agent), agent.times)

    agent.register_reply([None], Agent.other)
    agent.register_reply([None], Agent.a_other, ignore_async_in_sync_chat=True)
    assert first | {Agent.other} == _skipped(agent)

    agent._reply_func_list[0]["ignore_async_in_sync_chat"] = False
    assert first == _skipped(agent)

    agent.replace_reply_func(
        ConversableAgent.generate_tool_calls_reply, ConversableAgent.generate_oai_reply
    )
    assert first - {ConversableAgent.generate_tool_calls_reply} == _skipped(agent)
    assert 4 == agent.times


def test_agents_do_not_share_answers() -> None:
    """Two of one class may have other functions."""
    one, two = Agent("one", llm_config=False), Agent("two", llm_config=False)
    two._reply_func_list.clear()

    assert _skipped(one) != _skipped(two) == set()


def test_the_user_proxy_is_quick() -> None:
    """And leaves out the sync gate in an async chat."""
    proxy = ApprovalProxy("gatekeeper", human_input_mode="NEVER")

    assert isinstance(proxy, cached_replies.CachedReplies)
    assert ApprovalProxy.gate_reply in _skipped(proxy)


@pytest.mark.parametrize("selection", ["round_robin", "auto"])
async def test_a_session_with_quick_agents_is_the_same(
    selection: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same version, same messages, same state; stock agents can go on where quick ones paused."""
    flow = team(Effects(), selection=selection)
    stored = [await _whole(flow, tmp_path)]
    monkeypatch.setattr(teams, "AssistantAgent", cached_replies.AssistantAgent)
    monkeypatch.setattr(teams, "GroupChatManager", cached_replies.GroupChatManager)
    stored.append(await _whole(flow, tmp_path))

    assert stored[0] == stored[1]
    assert issubclass(cached_replies.AssistantAgent, autogen.AssistantAgent)


async def _whole(flow: Workflow, path: Path) -> tuple[str, Any]:
    async with world(flow, story, path=path, guarded=GUARDED) as w:
        await w.start()
        while (await w.run()).status is SessionStatus.WAITING:
            for request in await w.requests():
                if request.status is RequestStatus.PENDING:
                    await w.office.approve(request)
        assert isinstance(w.office, FakeOffice)
        text = w.office.runs.snapshots[w.session_id]  # type: ignore[index]
        return w.registry.info(flow.name).version, json.loads(text)
