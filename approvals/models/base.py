"""The base of all values, and the types of their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NewType, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict
from typing_extensions import override

SessionId = NewType("SessionId", str)
RequestId = NewType("RequestId", str)
CheckpointId = NewType("CheckpointId", str)
PrincipalId = NewType("PrincipalId", str)
DeliveryId = NewType("DeliveryId", str)
ConversationKey = NewType("ConversationKey", str)
JsonObject: TypeAlias = dict[str, Any]


class Value(BaseModel):
    """Base of every value: immutable, and an unknown field is an error.

    Its validator is built when it is first used: a process uses some of them only, and building
    all of them was a tenth of a server's start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    @override
    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with `update`, which is not validated.

        What pydantic's own gives, in two steps of Python instead of seven: decisions make dozens.
        """
        if deep or self.__pydantic_private__ is not None:
            return super().model_copy(update=update, deep=deep)
        given = update or {}
        fields = {**self.__dict__, **given}
        return _made(type(self), fields, self.__pydantic_fields_set__ | given.keys())

    @classmethod
    def made(cls, **fields: Any) -> Self:
        """A value of what other values hold, which nobody has to check again: `fields` are all that
        it has, of their types. What comes from outside is given to the class itself."""
        return _made(cls, fields, set(fields))


V = TypeVar("V", bound=Value)


def _made(kind: type[V], fields: dict[str, Any], given: set[str]) -> V:
    value = kind.__new__(kind)
    object.__setattr__(value, "__dict__", fields)
    object.__setattr__(value, "__pydantic_fields_set__", given)
    object.__setattr__(value, "__pydantic_extra__", None)
    object.__setattr__(value, "__pydantic_private__", None)
    return value
