"""The key by which calls of a sample are drawn: it is nowhere but in the environment."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from countersign.approvals.models import Phase
from countersign.approvals.rules.policy import Policy

VARIABLE = "COUNTERSIGN_SAMPLE_KEY"
SHORTEST = 32
"""Characters; `openssl rand -hex 32` gives 64."""


def sample_key(policy: Policy, environ: Mapping[str, str]) -> SecretStr | str | None:
    """The key; None where no rule has a sample; a sentence where one is missing, or too short."""
    sampled = [
        where
        for where, rule in policy.entries.items()
        if rule.rollout is not None and Phase.SAMPLED in rule.rollout.phases
    ]
    if not sampled:
        return None
    key = environ.get(VARIABLE, "")
    if len(key) >= SHORTEST:
        return SecretStr(key)
    what = "is not set" if not key else f"has {len(key)} characters"
    return (
        f"{sampled[0]}.rollout.phases: sampled draws calls with a key, and {VARIABLE} {what}; "
        f"export at least {SHORTEST} random characters (openssl rand -hex 32), the same on every "
        "replica, or remove sampled."
    )
