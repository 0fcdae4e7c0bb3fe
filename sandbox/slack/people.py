"""Who has an account in the workspace: four colleagues, a bot, and somebody from outside."""

from __future__ import annotations

from countersign.sandbox.slack.workspace import TEAM, User

PARTNER = "T9PARTNER"
"""A workspace with which a channel is shared."""
ALEX = User("U0ALEX", "alex", "Alex Wilber", "alexw@example.com")
SAM = User("U0SAM", "sam", "Sam Carter", "samc@example.com")
MEGAN = User("U0MEGAN", "megan", "Megan Bowen", "meganb@example.com")
ADELE = User("U0ADELE", "adele", "Adele Vance", "adelev@example.com")
BOT = User("U0OTHERBOT", "otherbot", "Other Bot", "", is_bot=True)
GUEST = User("U9GUEST", "guest", "Guest of a partner", "guest@partner.example", team=PARTNER)


def people() -> tuple[User, ...]:
    """Everybody, anew for each workspace."""
    return tuple(User(**vars(each)) for each in (ALEX, SAM, MEGAN, ADELE, BOT, GUEST))


def identity(login: str) -> str:
    """By which Countersign knows somebody of the workspace: `T0ACME/U0ALEX`."""
    return next(f"{TEAM}/{each.id}" for each in people() if each.login == login)
