"""What the rules say of a form, in the reader's language: beside its field, or above it."""

from __future__ import annotations

from countersign.bot.inbox.refusals import REFUSALS, in_words
from countersign.bot.inbox.words import N_, Words
from countersign.connectors.sentences import ruled
from countersign.connectors.words import Sentences

_SENTENCES = Sentences(
    (
        *REFUSALS,
        *(N_("the API"), N_("the command line"), N_("policy"), N_("a grant"), N_("the deadline")),
        N_("the inbox"),
        N_("A value is needed."),
        N_("A number is needed."),
        N_("A number is needed. Use a point for decimals."),
        N_("A whole number is needed."),
        N_("Yes or no is needed."),
        N_("Choose one of the list."),
        N_("A date (YYYY-MM-DD) is needed."),
        N_("A time (HH:MM) is needed."),
        N_("This cannot be read; type it again."),
        N_("This is not JSON: %(why)s (line %(line)s, column %(column)s)."),
        N_("This JSON is nested too deeply."),
        N_("%(name)s is not a JSON value."),
        N_("“%(name)s” is there twice."),
        N_("This number is too large to be kept exactly."),
        N_("is required"),
        N_("is not an argument of this tool"),
        N_("%(value)s is greater than the maximum of %(most)s"),
        N_("%(value)s is less than the minimum of %(least)s"),
        N_("%(value)s is not one of %(list)s"),
        N_("%(value)s is too long"),
        N_("%(value)s is too short"),
        N_("%(value)s is not of type '%(type)s'"),
        N_("%(value)s does not match %(pattern)s"),
        N_("You changed nothing. Change a value, or go back and approve."),
        N_("Say why you reject this: the agents adapt to your reason."),
        N_("Say why you approve this: its rule asks for a comment."),
        N_("The comment is longer than %(limit)s characters; shorten it."),
        N_("Say whether it took effect."),
        N_(
            "Say in the note, in at most %(limit)s characters, where you looked and what you "
            "found there."
        ),
        N_(
            "Say in at most %(limit)s characters why you revoke it: the agents and whoever "
            "asked adapt to your reason."
        ),
        N_("Say why, in 1 to %(limit)s characters."),
        N_("Write the question in 1 to %(limit)s characters."),
        N_("Write the answer in 1 to %(limit)s characters."),
        N_(
            "Nothing was approved or granted. Write how many as a whole number, how long as "
            "4h or 7d, and how much as a number."
        ),
        N_(
            "Its rule asks for a proof that you are there with each approval, so nothing is "
            "granted here. Approve this one alone."
        ),
        N_("There is no schedule %(name)s any more."),
        N_("The schedule %(name)s was not read yet."),
        N_("The schedule %(name)s was last read at %(when)s; that is too long ago."),
        N_("Choose what to pause."),
        N_("Choose as what to export it."),
        N_("%(text)s is no day: write it as 2026-11-30."),
        N_("The arguments are not JSON: %(why)s"),
        N_("There is no such request."),
        N_("There is no such session."),
        N_("This form cannot be read."),
        N_("Only administrators export more than one session."),
        N_("Only administrators verify everything."),
        N_("Only administrators look for rules in what all have answered."),
        N_("You asked for this yourself; somebody else has to decide it."),
        N_("You have already voted on this request."),
        N_("You are not known here. Ask an administrator to add you to `people`."),
        N_(
            "Request %(id)s was already decided: %(verdict)s by %(who)s at %(when)s through "
            "%(via)s. It is %(status)s now."
        ),
    )
)


def said(spoken: Words, text: str) -> str:
    """A sentence in this language; as it is if nobody has translated it."""
    own = _SENTENCES.said(spoken, text, lambda name, part: in_words(spoken, name, part))
    return ruled(spoken.language, text) if own == text else own
