"""A help desk in the shape of Zendesk's API: tickets with comments and audits, and its articles."""

from countersign.sandbox.zendesk.server import TOKEN, USER, Zendesk

__all__ = ["TOKEN", "USER", "Zendesk"]
