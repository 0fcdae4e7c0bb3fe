"""A scripted model behind the OpenAI protocol: real clients and AutoGen run against it."""

from countersign.sandbox.openai.conversation import (
    Call,
    Conversation,
    Raw,
    Reply,
    Say,
    ToolCall,
    ToolResult,
)
from countersign.sandbox.openai.rules import Rule, RuleCall
from countersign.sandbox.openai.server import ScriptedModel

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
