"""A mail server that keeps what it gets: SMTP in, HTTP to read, SQLite below."""

from countersign.sandbox.mailbox.server import Mailbox

__all__ = ["Mailbox"]
