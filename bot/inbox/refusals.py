"""What is answered where something cannot be done, as the catalogues have it."""

from __future__ import annotations

from countersign.approvals.forms.systems import system_words
from countersign.bot.inbox.words import N_, Words

REFUSALS = (
    N_("There is no request %(id)s."),
    N_("There is no session %(id)s."),
    N_("There is no grant %(id)s."),
    N_("There is no pause %(id)s."),
    N_("There is no rule %(rule)s for %(tool)s that comes by phases."),
    N_("There is no such question on this request."),
    N_("Request %(id)s is closed: %(status)s."),
    N_("Request %(id)s is %(status)s, so there is no doubt to resolve."),
    N_("Request %(id)s is %(status)s; only what has run can have been wrong."),
    N_("Request %(id)s is %(status)s; only what was executed can be undone."),
    N_(
        "Request %(id)s is not in shadow; only of what was proposed and left to people is it "
        "recorded what they did."
    ),
    N_(
        "Request %(id)s is at revision %(number)s with another digest now. Look at it again and "
        "decide what it says today."
    ),
    N_(
        "Request %(id)s was approved by %(who)s through %(via)s and has begun at %(when)s, so that "
        "cannot be revoked any more. It is %(status)s now."
    ),
    N_(
        "Request %(id)s was approved by %(who)s through %(via)s and has begun, so that cannot be "
        "revoked any more. It is %(status)s now."
    ),
    N_(
        "The doubt about request %(id)s was already resolved: %(who)s found at %(when)s through "
        "%(via)s that it took effect."
    ),
    N_(
        "The doubt about request %(id)s was already resolved: %(who)s found at %(when)s through "
        "%(via)s that it did not take effect."
    ),
    N_("Session %(id)s is already %(status)s."),
    N_("You have not voted on this request as it stands, so there is nothing to take back."),
    N_("Nothing is decided yet; take your vote back, or reject it."),
    N_("You asked for this yourself; somebody else has to do it and say what they did."),
    N_("Only who asked for this, or an administrator, can say that it was wrong."),
    N_("Say why it was wrong; it stands on the ledger."),
    N_("Say in at most %(limit)s characters why this has to be undone; it stands on the ledger."),
    N_("Only administrators read how single people decide."),
    N_("Choose the phase."),
    N_("Cancelled by %(who)s."),
)
_WORDS = {
    "in_doubt": N_("in doubt"),
    "executing": N_("runs now"),
    "approve": N_("approved"),
    "reject": N_("rejected"),
    "modify": N_("approved with changes"),
}


def in_words(spoken: Words, name: str, text: str) -> str:
    """What stands in a sentence: a status, a verdict or a way, as people call it."""
    if name in ("status", "verdict"):
        return spoken.gettext(_WORDS.get(text, text))
    if name == "via":
        return spoken.gettext(system_words(text))
    return text
