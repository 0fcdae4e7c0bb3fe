"""The `connectors.email` section: the relay that takes our mail, and how answers come back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from countersign.approvals.rules.durations import Seconds
from countersign.connectors.addresses import LOOPBACK
from countersign.connectors.secrets import EnvSecret, EnvSecrets, Section, named
from countersign.connectors.system import Situation

Tls = Literal["starttls", "implicit", "none"]
PORTS = {"starttls": 587, "implicit": 465, "none": 25}
"""Source: RFC 8314, sections 3.3 and 7.3; RFC 6409."""
IMAP_PORTS = {"starttls": 143, "implicit": 993, "none": 143}
LONGEST_ADDRESS = 254
"""Source: RFC 5321, section 4.5.3.1.3, less the angle brackets."""
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*"
)


def is_address(text: str) -> bool:
    """Whether we write to it: no quoted local parts, no comments, nothing beyond ASCII."""
    return len(text) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


class ImapSettings(Section):
    """The mailbox into which answers come, if it is to be read."""

    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65535)
    """0: the usual one for `tls`."""
    tls: Tls = "implicit"
    ca_file: str = ""
    username: str = Field(min_length=1)
    password: EnvSecret = named("password")
    folder: str = Field(default="INBOX", min_length=1)
    poll_every: Seconds = 30.0

    @property
    def at(self) -> int:
        """The port."""
        return self.port or IMAP_PORTS[self.tls]


class EmailSettings(Section):
    """One relay (a smart host) that delivers what we send."""

    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65535)
    """0: the usual one for `tls`."""
    tls: Tls = "starttls"
    ca_file: str = ""
    """Certificates that may sign the relay's, besides those of the machine; a PEM file."""
    username: str = ""
    password: EnvSecret = named("password", default=SecretStr(""))
    sender: str
    """`Approvals <approvals@acme.example>`: the From of every mail, and where mail comes back."""
    language: Literal["en", "de"] = "en"
    """Of mail to people who have no language of their own."""
    subject_marker: str = Field(default="", max_length=30)
    """Stands before every subject, for people's filters: `[Approval]`."""
    per_minute: int = Field(default=60, ge=1, le=6000)
    """Mails that one server hands to the relay in a minute; the others wait."""
    timeout: Seconds = 20.0
    link_valid_for: Seconds = 7 * 86400.0
    """How long a link leads to its request."""
    imap: ImapSettings | None = None
    webhook_secrets: EnvSecrets = named("webhook_secret", "webhook_secrets", default=())
    """With which a mail provider hands us what was sent to `sender`: `POST /webhooks/email`."""

    @field_validator("sender")
    @classmethod
    def _one_address(cls, value: str) -> str:
        name, address = parseaddr(value)
        if not is_address(address) or not value.isprintable() or "@" in name:
            raise ValueError("write one address, like Approvals <approvals@acme.example>")
        return value

    @field_validator("subject_marker")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or value != value.strip():
            raise ValueError("write a few printable characters, like [Approval]")
        return value

    @field_validator("webhook_secrets")
    @classmethod
    def _are_secrets(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret.get_secret_value()) < 16 for secret in value):
            raise ValueError("a webhook secret is shorter than 16 characters; use a random one")
        return value

    @property
    def at(self) -> int:
        """The port."""
        return self.port or PORTS[self.tls]

    @property
    def address(self) -> str:
        """Where mail comes back."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """Of the sender; ids of our mails end in it."""
        return self.address.rpartition("@")[2]

    @property
    def hears(self) -> bool:
        """Whether answers are read."""
        return self.imap is not None or bool(self.webhook_secrets)


def problems(settings: EmailSettings, situation: Situation) -> Iterator[str]:
    """What does not fit, with the path of its key."""
    path = "connectors.email"
    if bool(settings.username) != bool(settings.password.get_secret_value()):
        yield f"{path}: give username and password_env together, or neither."
    servers = [(path, settings.tls, settings.host)]
    if settings.imap is not None:
        servers.append((f"{path}.imap", settings.imap.tls, settings.imap.host))
    for where, tls, host in servers:
        if tls == "none" and host not in LOOPBACK:
            yield f"{where}.tls: none is for this machine only; use starttls or implicit."
