"""A module of a workflow's that is first imported in the middle of a session."""

WHEN = "late"
