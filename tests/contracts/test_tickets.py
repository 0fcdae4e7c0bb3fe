"""Every ticket connector of ours: from its making to its end."""

from countersign.testing.suites.tickets import *  # noqa: F403
