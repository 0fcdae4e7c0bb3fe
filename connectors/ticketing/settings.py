"""Settings that every ticket system has, besides those of its own."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr, field_validator

from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.comments.vocabulary import ALL_LANGUAGES, ChangesWords, Languages
from countersign.connectors.secrets import EnvSecrets, Section, named


class TicketSettings(Section):
    """Base of the section `connectors.<system>`."""

    url: str
    """Where people open it."""
    languages: Languages = ALL_LANGUAGES
    """In which people write comments: what may ask for changes in them does not pass as a yes."""
    changes_words: ChangesWords = ()
    """More words that speak of changes, of any language."""
    poll_every: Seconds = 30.0
    overlap: Seconds
    """How far before the last poll, or the last change seen, the next one reads again."""
    timeout: Seconds = 20.0
    webhook_secrets: EnvSecrets = named("webhook_secret", "webhook_secrets", default=())

    @field_validator("webhook_secrets")
    @classmethod
    def _are_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(not secret.get_secret_value().strip() for secret in value):
            raise ValueError("a webhook secret is empty; anybody could sign with it")
        return value


def site(value: str, *, like: str, instead: str) -> SplitResult:
    """The address to which credentials are sent, in its parts. Raises ValueError that says what it
    looks like, or what to give `instead` of one that says more than where it is."""
    parts = urlsplit(value.strip())
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise ValueError(f"must be like {like}")
    if parts.query or parts.fragment or parts.username:
        raise ValueError(instead)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("must be https: the credentials travel with every call")
    return parts
