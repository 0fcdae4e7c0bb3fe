"""Every ticket connector of ours: outages, lost answers and forged webhooks."""

from countersign.testing.suites.ticket_faults import *  # noqa: F403
