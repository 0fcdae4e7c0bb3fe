"""What this server signs with, by its settings: links to its page, checkpoints of its ledger."""

from __future__ import annotations

from countersign.approvals.audit.notes import SigningKey, VerifierKey
from countersign.approvals.ports import Clock
from countersign.approvals.read_links import ReadLinks
from countersign.bot.settings.ledger_keys import local_ledger_key
from countersign.bot.settings.links import local_key
from countersign.bot.settings.sections import Settings


def pages_url(settings: Settings) -> str:
    """Where people read the inbox; "" where nobody can sign in."""
    can_sign_in = settings.local or settings.sign_in is not None
    return settings.public_url.rstrip("/") if can_sign_in else ""


def read_links(settings: Settings, clock: Clock) -> ReadLinks | None:
    """Links to the page with all of a request; None where there is no key to sign them: production
    is not started without."""
    if settings.link_key is not None:
        key = settings.link_key.get_secret_value().encode()
    elif settings.local:
        key = local_key(settings.database_url)
    else:
        return None
    return ReadLinks(key, settings.public_url, clock, pages_url=pages_url(settings))


def sealing_key(settings: Settings) -> SigningKey | None:
    """The key that signs the ledger's checkpoints; None where this server does not."""
    if settings.ledger_key is not None:
        return SigningKey.parse(settings.ledger_key.get_secret_value())
    signs_here = settings.local and settings.ledger.signer is None
    return local_ledger_key(settings.database_url) if signs_here else None


def signer(settings: Settings) -> VerifierKey | None:
    """Who signs checkpoints elsewhere."""
    text = settings.ledger.signer
    return None if text is None else VerifierKey.parse(text)
