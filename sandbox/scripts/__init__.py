"""What the scripted model says in the example workflows, chosen by the system message of the agent it plays."""

from __future__ import annotations

from sandbox.openai.conversation import Conversation, Reply, Say
from sandbox.scripts.speaker import next_speaker


def reply(conversation: Conversation) -> Reply:
    """The answer of the script that knows this agent."""
    if conversation.is_speaker_selection:
        return Say(next_speaker(conversation))
    return Say(
        "I am the scripted model of the sandbox and know only the example workflows. Set OPENAI_API_KEY (or the Azure "
        "settings) to use a real model, or give me rules at /_sandbox/script."
    )
