"""Every ticket connector of ours: its making, and what is said in it."""

from countersign.testing.suites.tickets import *  # noqa: F403
