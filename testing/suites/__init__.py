"""Contract suites: what every implementation of a port has to do, wherever it lives.

A test module brings the suite's fixture for its own implementation and takes over the tests:

    from countersign.testing.suites.channel import *  # noqa: F403

    @pytest.fixture
    async def channel(): ...

What an implementation cannot do by nature it says with a capability of its fixture; nothing is
skipped, it is tested that it does not.
"""

from __future__ import annotations

import pytest

_SUITES = (
    "catalog",
    "channel",
    "conversations",
    "directory",
    "ticket_closing",
    "ticket_decisions",
    "ticket_faults",
    "tickets",
)
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))
