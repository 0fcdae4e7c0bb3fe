"""Secrets in the configuration: the file names an environment variable, never the value.

A field `token` of the type `EnvSecret` stands as `token_env: NAME` in the file; in local mode the
value itself may stand there as `token`. Which it is, and what the variable holds, is told to
pydantic by its validation context, so that every problem has the path of its key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo

from countersign.approvals.models import Value

ENV = "_env"
_UNKNOWN_BYTES = 32
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Reading:
    """The validation context of a file that is read; without it values are taken as they are."""

    environ: Mapping[str, str]
    local: bool
    complete: bool = True
    """Whether secrets are needed; else a value that nobody knows stands for one that is not set,
    and nobody minds where it stands."""

    def secret(self, variable: str) -> SecretStr | None:
        """The value of the variable; None if it is unset or blank."""
        value = self.environ.get(variable, "").strip()
        if not value and not self.complete:
            value = token_hex(_UNKNOWN_BYTES)
        return SecretStr(value) if value else None


@dataclass(frozen=True)
class _Literal:
    """A value under the key of the secret itself."""

    value: Any = field(repr=False)
    key: str
    """Under which the variable should be named instead."""


def variable_words(name: str) -> str:
    """The environment variable as it may be spoken of: what is not in capitals may be the secret
    itself, in the place of a name."""
    return f"the environment variable {name if name.isupper() else 'that is named here'}"


def resolved(value: Any, info: ValidationInfo) -> Any:
    """The secret that a variable holds. Raises ValueError that says what to export."""
    reading = info.context
    if not isinstance(reading, Reading):
        return value
    if isinstance(value, _Literal):
        if reading.complete and not reading.local:
            raise ValueError(
                "secrets never stand here; put it into an environment variable and name that in "
                f"{value.key}."
            )
        if not isinstance(value.value, str) or not value.value.strip():
            raise ValueError("write text; put it in quotes if it looks like something else.")
        return SecretStr(value.value)
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise ValueError("write the name of an environment variable, like MY_TOKEN.")
    found = reading.secret(value)
    if found is None:
        raise ValueError(f"{variable_words(value)} is not set; export it.")
    return found


EnvSecret = Annotated[SecretStr, BeforeValidator(resolved)]


def _listed(value: Any) -> Any:
    if isinstance(value, _Literal) and isinstance(value.value, list | tuple):
        return tuple(_Literal(each, value.key) for each in value.value)
    return value if isinstance(value, list | tuple) else (value,)


EnvSecrets = Annotated[tuple[EnvSecret, ...], BeforeValidator(_listed)]
"""One or several: while one is replaced by the next, both count."""


def named(name: str, *also: str, **options: Any) -> Any:
    """The field for a secret called `name`; `also` are names that code uses for it."""
    return Field(validation_alias=AliasChoices(f"{name}{ENV}", name, *also), **options)


def key_of(name: str, field: FieldInfo) -> str:
    """The key under which a field stands in the file."""
    alias = field.validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else name


class Section(Value):
    """Base of settings that hold secrets."""

    @model_validator(mode="before")
    @classmethod
    def _literals(cls, raw: Any, info: ValidationInfo) -> Any:
        if not isinstance(raw, dict) or not isinstance(info.context, Reading):
            return raw
        keys = {
            str(literal): key_of(name, field)
            for name, field in cls.model_fields.items()
            if isinstance(field.validation_alias, AliasChoices)
            for literal in field.validation_alias.choices[1:]
        }
        of_secrets = {*keys, *keys.values()}
        # `token:` with nothing behind it is no token.
        raw = {k: v for k, v in raw.items() if v is not None or k not in of_secrets}
        both = {keys[key]: key for key in keys if key in raw and keys[key] in raw}
        if both and info.context.local:
            raise ValueError(f"give either {' or '.join(next(iter(both.items())))}, not both")
        # Elsewhere the value itself is what is wrong.
        return {
            key: _Literal(value, keys[key]) if key in keys else value
            for key, value in raw.items()
            if key not in both
        }
