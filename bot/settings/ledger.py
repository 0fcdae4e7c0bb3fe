"""The ledger: the `ledger` section."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from countersign.approvals.audit.cosignatures import WitnessKey
from countersign.approvals.audit.notes import NoteError, VerifierKey
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.models import Value


class PrivateSettings(Value):
    """One rule of what is private."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    tool: str | tuple[str, ...] = "*"
    """Of which tools; `*`: of all, and of what is said apart from any call."""
    arguments: tuple[str, ...] = ()
    """Paths: `customer.email`; `*` is all of them."""
    results: bool = False
    """What the tool returned."""
    words: bool = False
    """Tasks, reasons, comments, questions and answers."""

    @property
    def rule(self) -> PrivateRule:
        """As the domain has it."""
        tools = (self.tool,) if isinstance(self.tool, str) else self.tool
        return PrivateRule(
            id=self.id,
            tools=tools,
            arguments=self.arguments,
            results=self.results,
            words=self.words,
        )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.arguments or self.results or self.words):
            raise ValueError("say what is private: arguments, results or words")
        return self


def _is_url(value: str) -> str:
    parts = urlsplit(value.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL: https://witness.example")
    return value.strip().rstrip("/")


Url = Annotated[str, AfterValidator(_is_url)]


class WitnessSettings(Value):
    """One witness that is asked to cosign checkpoints."""

    key: str
    """Its public key, as it prints it."""
    url: Url
    """Where it is asked."""

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, text: str) -> str:
        try:
            return str(WitnessKey.parse(text))
        except NoteError as exc:
            raise ValueError(str(exc)) from exc


class StampSettings(Value):
    """One authority that stamps checkpoints (RFC 3161)."""

    url: Url
    roots: Path
    """A file with the certificates (PEM) up to which its stamps are checked."""


class LedgerSettings(Value):
    """As it stands in the file."""

    key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The variable with the sealing key."""
    key_file: Path | None = None
    """The file with the sealing key, instead."""
    signer: str | None = None
    """The public key of `countersign seal`, where that signs."""
    archive_dir: Path | None = None
    """The folder of archive files."""
    witnesses: tuple[WitnessSettings, ...] = ()
    """Who is asked to cosign what is published."""
    quorum: int | None = Field(default=None, ge=1)
    """How many of them are needed; more than half, unless it says so."""
    timestamps: tuple[StampSettings, ...] = ()
    """Who is asked to stamp what is published."""
    private: tuple[PrivateSettings, ...] = ()
    """What is private on it: left out of redacted exports, and what can be erased."""

    @field_validator("signer")
    @classmethod
    def _is_a_key(cls, text: str | None) -> str | None:
        try:
            return None if text is None else str(VerifierKey.parse(text))
        except NoteError as exc:
            raise ValueError(str(exc)) from exc

    @model_validator(mode="after")
    def _enough_witnesses(self) -> Self:
        if len({each.key for each in self.witnesses}) != len(self.witnesses):
            raise ValueError("witnesses: one of them stands there twice")
        if self.quorum is not None and self.quorum > len(self.witnesses):
            raise ValueError(f"quorum: is {self.quorum}, of {len(self.witnesses)} witnesses")
        return self

    @field_validator("private")
    @classmethod
    def _named_once(cls, rules: tuple[PrivateSettings, ...]) -> tuple[PrivateSettings, ...]:
        names = [rule.id for rule in rules]
        if len(set(names)) != len(names):
            raise ValueError("each rule needs an id of its own")
        return rules

    @property
    def private_rules(self) -> tuple[PrivateRule, ...]:
        """Its rules of what is private."""
        return tuple(each.rule for each in self.private)
