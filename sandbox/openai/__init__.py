"""A scripted model behind the OpenAI chat completions protocol: the real client and the real AutoGen run against it."""

from sandbox.openai.conversation import Call, Conversation, Reply, Say, ToolCall, ToolResult
from sandbox.openai.rules import Rule, RuleCall
from sandbox.openai.server import ScriptedModel

__all__ = [
    "Call",
    "Conversation",
    "Reply",
    "Rule",
    "RuleCall",
    "Say",
    "ScriptedModel",
    "ToolCall",
    "ToolResult",
]
