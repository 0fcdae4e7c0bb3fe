"""Building many clients reads the signatures of OpenAI's once, and finds what AutoGen finds."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from autogen.oai.client import OpenAIWrapper
from openai import AzureOpenAI, OpenAI

from countersign.agents.classic import client_options


def test_signatures_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read, seen = inspect.getfullargspec, []

    def counted(function: Any) -> inspect.FullArgSpec:
        seen.append(function)
        return read(function)

    client_options._names.cache_clear()
    client_options.read_once()
    client_options.read_once()
    monkeypatch.setattr(inspect, "getfullargspec", counted)
    config = {"model": "m", "api_key": "k", "base_url": "http://127.0.0.1:1", "tags": ["a"]}
    wrappers: list[Any] = [OpenAIWrapper(config_list=[config], temperature=0) for _ in range(3)]

    assert [OpenAI.__init__, AzureOpenAI.__init__] == seen
    for wrapper in wrappers:
        assert {"base_url", "azure_endpoint", "http_client"} <= wrapper.openai_kwargs
        assert "temperature" not in wrapper.openai_kwargs
        assert "127.0.0.1" == wrapper._clients[0]._oai_client.base_url.host
        assert ["a"] == wrapper._config_list[0]["tags"]
