"""Every ticket connector of ours: how a ticket ends."""

from countersign.testing.suites.ticket_closing import *  # noqa: F403
