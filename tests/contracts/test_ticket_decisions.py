"""Every ticket connector of ours: what people decide."""

from countersign.testing.suites.ticket_decisions import *  # noqa: F403
