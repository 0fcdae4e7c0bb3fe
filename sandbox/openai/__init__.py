"""A scripted model behind the OpenAI protocol: real clients and AutoGen run against it."""

from sandbox.openai.conversation import Call, Conversation, Raw, Reply, Say, ToolCall, ToolResult
from sandbox.openai.rules import Rule, RuleCall
from sandbox.openai.server import ScriptedModel

__all__ = [
    "Call",
    "Conversation",
    "Raw",
    "Reply",
    "Rule",
    "RuleCall",
    "Say",
    "ScriptedModel",
    "ToolCall",
    "ToolResult",
]
