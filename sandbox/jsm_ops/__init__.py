"""A stand-in for the operations of Jira Service Management: schedules and their timelines."""

from countersign.sandbox.jsm_ops.server import JsmOpsServer

__all__ = ["JsmOpsServer"]
