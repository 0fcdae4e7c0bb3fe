"""The base of all values, and the types of their ids."""

from __future__ import annotations

from typing import Any, NewType, TypeAlias

from pydantic import BaseModel, ConfigDict

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
