"""The `llm_config` of the agents, from plain settings.

All agents of a process share one HTTP client: AutoGen builds an OpenAI client per agent, and
each with its own SSL context would cost about 30 ms and 0.6 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from countersign.agents.classic.model_answers import require_answer
from countersign.approvals.errors import ConfigurationError
from countersign.approvals.models import Value

DEFAULT_MODEL = "gpt-4o"
TIMEOUT_S = 120
_CONNECTIONS = 200
_KEY_MISSING = (
    "model: there is no key for the language model. Set OPENAI_API_KEY; or AZURE_OPENAI_API_KEY, "
    "AZURE_OPENAI_ENDPOINT and OPENAI_MODEL (the deployment); or OPENAI_BASE_URL for a server of "
    "your own."
)


class ModelSettings(Value):
    """Which model server the agents use."""

    model: str = DEFAULT_MODEL
    api_key: str = ""
    base_url: str | None = None
    azure_api_version: str | None = None
    """Set for Azure OpenAI; `base_url` is then the resource's endpoint."""
    timeout_s: int = TIMEOUT_S

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ModelSettings:
        """From OPENAI_* or AZURE_OPENAI_* variables. Raises ConfigurationError without a key."""
        model = environment.get("OPENAI_MODEL") or DEFAULT_MODEL
        if environment.get("AZURE_OPENAI_API_KEY"):
            endpoint = environment.get("AZURE_OPENAI_ENDPOINT")
            if not endpoint:
                raise ConfigurationError(["model: set AZURE_OPENAI_ENDPOINT beside the key."])
            return cls(
                model=model,
                api_key=environment["AZURE_OPENAI_API_KEY"],
                base_url=endpoint,
                azure_api_version=environment.get("OPENAI_API_VERSION") or "2024-10-21",
            )
        key, base_url = environment.get("OPENAI_API_KEY"), environment.get("OPENAI_BASE_URL")
        if not key and not base_url:
            raise ConfigurationError([_KEY_MISSING])
        # A server of one's own may need no key, but the client wants one.
        return cls(model=model, api_key=key or "none", base_url=base_url or None)


class SharedClient(httpx.Client):
    """One connection pool and SSL context for every agent; AutoGen's copies of it are itself.

    What is no answer of a model is an error of the connection: see `agents.classic.model_answers`.
    """

    def __init__(self, **options: Any):
        """Take what httpx.Client takes."""
        super().__init__(event_hooks={"response": [require_answer]}, **options)

    def __deepcopy__(self, memo: dict[int, Any]) -> SharedClient:
        """The client itself: AutoGen copies every agent's configuration deeply."""
        return self


def shared_client(timeout_s: float = TIMEOUT_S) -> SharedClient:
    """The HTTP client of the process. Close it when the application ends."""
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    return SharedClient(timeout=httpx.Timeout(timeout_s, connect=10), limits=limits)


def llm_config(settings: ModelSettings, client: SharedClient) -> dict[str, Any]:
    """What an AutoGen agent takes as `llm_config`. No response is cached.

    Raises ConfigurationError, naming the fix, when there is no key.
    """
    if not settings.api_key:
        raise ConfigurationError([_KEY_MISSING])
    entry: dict[str, Any] = {
        "model": settings.model,
        "api_key": settings.api_key,
        "http_client": client,
    }
    if settings.base_url:
        entry["base_url"] = settings.base_url
    if settings.azure_api_version:
        entry |= {"api_type": "azure", "api_version": settings.azure_api_version}
    return {"config_list": [entry], "cache_seed": None, "timeout": settings.timeout_s}
