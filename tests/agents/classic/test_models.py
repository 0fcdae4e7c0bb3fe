"""The model settings become an AutoGen configuration, with one HTTP client."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from autogen import AssistantAgent

from countersign.agents.classic.models import (
    ModelSettings,
    SharedClient,
    llm_config,
    shared_client,
)
from countersign.approvals.errors import ConfigurationError


def test_without_a_key_the_fix_is_named() -> None:
    """From the environment, and from settings."""
    for attempt in (
        lambda: ModelSettings.from_environment({}),
        lambda: llm_config(ModelSettings(), SharedClient(verify=False)),
    ):
        with pytest.raises(ConfigurationError, match="Set OPENAI_API_KEY; or AZURE_OPENAI_API_KEY"):
            attempt()


def test_azure_needs_its_endpoint() -> None:
    """The key alone is not enough."""
    with pytest.raises(ConfigurationError, match="AZURE_OPENAI_ENDPOINT"):
        ModelSettings.from_environment({"AZURE_OPENAI_API_KEY": "k"})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OPENAI_API_KEY": "k"}, {"model": "gpt-4o", "api_key": "k"}),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_MODEL": "m"},
            {"model": "m", "api_key": "none", "base_url": "http://127.0.0.1:1/v1"},
        ),
        (
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://x.azure",
             "OPENAI_MODEL": "d"},
            {"model": "d", "api_key": "k", "base_url": "https://x.azure", "api_type": "azure",
             "api_version": "2024-10-21"},
        ),
    ],
)  # fmt: skip
def test_settings_become_a_configuration(
    environment: dict[str, str], expected: dict[str, str]
) -> None:
    """OpenAI, a server of one's own, Azure. Responses are never cached."""
    with shared_client() as client:
        config = llm_config(ModelSettings.from_environment(environment), client)
        (entry,) = config["config_list"]

        assert entry == {**expected, "http_client": client}
        assert config["cache_seed"] is None


def test_agents_share_the_client() -> None:
    """AutoGen copies the configuration deeply, but not the connections in it."""
    with SharedClient(verify=False) as client:
        config = llm_config(ModelSettings(api_key="k"), client)
        assert copy.deepcopy(config)["config_list"][0]["http_client"] is client

        agents = [AssistantAgent(name, llm_config=config) for name in ("a", "b")]
        made: list[Any] = [agent.client for agent in agents]
        clients = {id(one._clients[0]._oai_client._client) for one in made}

        assert clients == {id(client)}
