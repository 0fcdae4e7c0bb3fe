"""Words on what people put on record of calls afterwards."""

from __future__ import annotations

from countersign.approvals.models import Hindsight, HindsightKind


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
