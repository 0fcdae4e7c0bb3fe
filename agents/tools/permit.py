"""The second lock: a tool body runs only under a permit for exactly these arguments.

The gate is the first lock. Whatever else reaches a registered function (another reply function, a
test, a subclass) finds it sealed: without an unused permit whose digest matches the keyword
arguments at hand it refuses.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from countersign.agents.guard import contexts
from countersign.agents.values.effective import ToolParameters
from countersign.agents.values.signature import Framework
from countersign.approvals.audit.canonical import short
from countersign.approvals.errors import IntegrityError, LostLeaseError, RefusedError
from countersign.approvals.models import (
    JsonObject,
    Request,
    RequestId,
    SessionId,
)
from countersign.approvals.rules.proposals import call_digest, call_of

USED_UP = "{tool}: the permit of {id} is used up."


@dataclass(frozen=True)
class Execution:
    """What a tool may know of the execution it is part of."""

    request_id: RequestId
    token: str
    """The same at every attempt of one approval: hand it on as an idempotency key."""
    session_id: SessionId
    facts: JsonObject | None = None
    """What the tool's check had found when people approved, and again right before this: the
    version of a record stands there, to be handed on with the write. None where nobody asked."""


@dataclass
class Permit:
    """The right to one call of one tool, and whether it has been used."""

    request: Request
    require: Callable[[], None]
    used: bool = False
    """Set directly before the body: without it, nothing has happened."""
    _given_up: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """The body comes next. Raises LostLeaseError if it may not any more, RefusedError if it
        has begun."""
        with self._lock:
            if self.used:
                raise RefusedError(USED_UP.format(tool=self.request.tool, id=self.request.id))
            if self._given_up:
                raise LostLeaseError(f"{self.request.tool} was given up before it began.")
            self.require()
            self.used = True

    def give_up(self) -> bool:
        """Wait no longer for the call: whether its body has begun; if not, it never will."""
        with self._lock:
            self._given_up = True
            return self.used


_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)


def current_execution() -> Execution:
    """The execution that the calling tool body is part of. Raises LookupError anywhere else."""
    permit = _permit.get()
    if permit is None:
        raise LookupError("There is no execution here: this is not the body of a gated tool.")
    request = permit.request
    return Execution(
        request.id, request.execution_token, request.session_id, copy.deepcopy(request.facts)
    )


@contextmanager
def permitted(request: Request, require: Callable[[], None]) -> Iterator[Permit]:
    """Permit one call of the tool of a claimed request, within this context only.

    `require` is asked last of all, directly before the body runs: it raises LostLeaseError if the
    claim may be another process's by now.
    """
    permit = Permit(request, require)
    token = _permit.set(permit)
    try:
        with contexts.execution():
            yield permit
    finally:
        _permit.reset(token)


class SealedTool:
    """A registered function that refuses to run without a matching, unused permit.

    `framework` is that of the agent with which it is registered.
    """

    def __init__(self, name: str, body: Callable[..., Any], framework: Framework):
        self.name = name
        self.body = body
        self._framework = framework
        self._parameters: ToolParameters | None = None

    @property
    def parameters(self) -> ToolParameters:
        """What it takes. Raises NotGuardableError if that cannot be shown faithfully."""
        if self._parameters is None:
            self._parameters = ToolParameters(self.name, self.body, None, self._framework)
        return self._parameters

    def offer(self, schema: JsonObject) -> None:
        """What models are shown of it. Raises NotGuardableError as `parameters`."""
        self._parameters = ToolParameters(self.name, self.body, schema, self._framework)

    def described(self) -> JsonObject:
        """The JSON Schema of the function's own annotations. Raises NotGuardableError."""
        return self._framework.schema(self.name, self.body)

    @property
    def is_async(self) -> bool:
        """Whether calling it gives a coroutine."""
        return self.parameters.is_async

    def __call__(self, **arguments: Any) -> Any:
        """Run the function; a coroutine if it is one. `arguments` are the effective ones, as JSON.

        Raises RefusedError, IntegrityError, InvalidArgumentsError or LostLeaseError instead.
        """
        return self.prepared(arguments)()

    def prepared(self, arguments: JsonObject) -> Callable[[], Any]:
        """The call itself, with all that its validators have to say said; raises as the call."""
        permit = self._permit_for(arguments)
        call = self.parameters.call(arguments)

        def begin() -> Any:
            permit.begin()
            return call()

        return begin

    def _permit_for(self, arguments: dict[str, Any]) -> Permit:
        permit = _permit.get()
        if permit is None:
            contexts.forbid(f"call {self.name}", "a sealed tool is called directly")
            raise RefusedError(
                f"{self.name} runs only when Countersign executes an approved request. Start the "
                "chat as a session (SessionManager.run) instead of calling the tool."
            )
        if permit.used:
            raise RefusedError(USED_UP.format(tool=self.name, id=permit.request.id))
        request = permit.request
        if request.schema_version != self.parameters.version:
            raise IntegrityError(
                f"{self.name}: what it takes or fills in here is not what was approved as "
                f"{request.id}. It was not run."
            )
        call = call_of(request, arguments).model_copy(update={"tool": self.name})
        actual = call_digest(call, request.policy_version)
        if actual != request.digest:
            raise IntegrityError(
                f"{self.name}: what is about to run is not what was approved as {request.id} "
                f"(digest {short(actual)} instead of {short(request.digest)}). It was not run."
            )
        return permit
