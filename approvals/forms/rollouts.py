"""Words on rollout: where a rule stands, and what people put on record of calls afterwards."""

from __future__ import annotations

from countersign.approvals.models import Hindsight, HindsightKind, Phase, Request

PHASES = {
    Phase.SHADOW: "shadow",
    Phase.COPILOT: "co-pilot",
    Phase.SAMPLED: "sampled",
    Phase.AUTONOMOUS: "autonomous",
}
"""As people call them."""


def standing_words(request: Request) -> str:
    """Where its rule stood when it was proposed, the same in every place that shows it: `In shadow:
    4 of 30 towards co-pilot.`; "" of a rule that does not come by phases."""
    known = ((request.seen or {}).get("rollout") or {}).get("rules", {}).get(request.rule_id)
    if known is None:
        return ""
    phase = Phase(known["phase"])
    said = "In shadow" if phase is Phase.SHADOW else PHASES[phase].capitalize()
    if phase is Phase.SAMPLED and known.get("asked") is True:
        said = f"{said}, this one of {known['one_in']} was drawn"
    return f"{said}: {progress_words(known['compared'], known['needed'], known['next'])}."


def is_copilot(request: Request) -> bool:
    """Whether it is asked by a rule that stands at co-pilot."""
    known = ((request.seen or {}).get("rollout") or {}).get("rules", {}).get(request.rule_id)
    return known is not None and known["phase"] == Phase.COPILOT


def progress_words(compared: int, needed: int, then: str | None) -> str:
    """How far it is to the next phase: `4 of 30 towards co-pilot`."""
    if then is None:
        return "the last phase of its rule"
    if compared > needed:
        return f"{compared}, of at least {needed}, towards {PHASES[Phase(then)]}"
    return f"{compared} of {needed} towards {PHASES[Phase(then)]}"


def hindsight_words(hindsight: Hindsight) -> str:
    """What somebody has put on record, as a sentence: `Ben did it by hand as proposed.`"""
    name = hindsight.name
    if hindsight.kind is HindsightKind.WRONG:
        return f"{name} says that this was wrong."
    if hindsight.arguments is None:
        return f"{name} found that nothing was to be done."
    if hindsight.agrees:
        return f"{name} did it by hand as proposed."
    return f"{name} did it by hand otherwise: {', '.join(hindsight.differs)}."
