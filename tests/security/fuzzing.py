"""How long the fuzzers try: `FUZZ_TIMES=50 pytest tests/security` tries fifty times as long."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
_ACCEPTED = (
    # The server and its database are the same for all examples of a test, on purpose.
    HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow,
    HealthCheck.filter_too_much,
)


def fuzzed(examples: int) -> settings:
    """Settings for a test that asks a running server."""
    return settings(
        max_examples=examples * TIMES, deadline=None, suppress_health_check=list(_ACCEPTED)
    )
