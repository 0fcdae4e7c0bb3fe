"""Agents behind a gate: a chat pauses at a risky tool call and goes on after the decision.

What stands here knows no framework; each has a package of its own (`agents.classic`: `autogen`).
What workflows need is in `countersign`: `from countersign import Chat, workflow`.
"""
