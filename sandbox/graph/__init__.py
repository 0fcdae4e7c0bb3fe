"""A stand-in for Microsoft Graph and its sign-in: users, groups, members, and what has changed."""

from countersign.sandbox.graph.server import GraphServer

__all__ = ["GraphServer"]
