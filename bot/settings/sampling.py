"""The key by which samples and canaries are drawn: it is nowhere but in the environment."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from countersign.approvals.models import Phase
from countersign.approvals.rules.policy import Policy

VARIABLE = "COUNTERSIGN_SAMPLE_KEY"
SHORTEST = 32
"""Characters; `openssl rand -hex 32` gives 64."""


def sample_key(policy: Policy, environ: Mapping[str, str]) -> SecretStr | str | None:
    """The key; None where no rule draws anything; a sentence where one is missing, or too short."""
    rules = policy.entries.items()
    drawing = [
        (f"{where}.rollout.phases: sampled draws calls", "sampled")
        for where, rule in rules
        if rule.rollout is not None and Phase.SAMPLED in rule.rollout.phases
    ]
    drawing += [(f"{w}.canaries: they are drawn", "canaries") for w, rule in rules if rule.canaries]
    if not drawing:
        return None
    key = environ.get(VARIABLE, "")
    if len(key) >= SHORTEST:
        return SecretStr(key)
    what = "is not set" if not key else f"has {len(key)} characters"
    return (
        f"{drawing[0][0]} with a key, and {VARIABLE} {what}; export at least {SHORTEST} random "
        f"characters (openssl rand -hex 32), the same on every replica, or remove {drawing[0][1]}."
    )
