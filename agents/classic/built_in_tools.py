"""Tools that a model client, or the model's provider, executes by itself: nobody could be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SETTINGS = frozenset(
    {
        "built_in_tools",  # AutoGen's responses clients
        "web_search_options",  # OpenAI's chat completions with search
        "mcp_servers",  # Anthropic's connector
        "code_execution",
    }
)
_INSIDE = "extra_body"
"""What is sent as it stands, beside the rest."""


def built_in_tools(*configs: Mapping[str, Any]) -> list[str]:
    """Their names in any of these: an `llm_config`, its entries, or what a model is asked with."""
    found: dict[str, None] = {}
    for config in configs:
        if not _SETTINGS.isdisjoint(config):
            for setting in _SETTINGS & config.keys():
                if config[setting]:
                    found |= dict.fromkeys(_names(setting, config[setting]))
        for tool in config.get("tools") or ():
            if isinstance(tool, Mapping) and not _is_function(tool):
                found[str(tool.get("type") or next(iter(tool), "a tool"))] = None
        inside = config.get(_INSIDE)
        if isinstance(inside, Mapping):
            found |= dict.fromkeys(built_in_tools(inside))
    return list(found)


def _names(setting: str, value: Any) -> list[str]:
    return list(map(str, value)) if setting == "built_in_tools" else [setting]


def _is_function(tool: Mapping[str, Any]) -> bool:
    return tool.get("type") == "function" or ("type" not in tool and "function" in tool)
