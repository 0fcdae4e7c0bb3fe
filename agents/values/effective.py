"""The effective call: what a tool's body will receive, computed before anybody is asked.

JSON goes in and JSON comes out: bound to the signature, with defaults, through models, validators
and conversions, and dumped back. Doing it again must change nothing; what would is refused, for
then nobody could say what an approval is of.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from countersign.agents.values.default_schemas import with_defaults
from countersign.agents.values.equality import alike
from countersign.agents.values.json_values import (
    default_of,
    dump,
    error_text,
    is_model,
    kept,
    own,
    read_again,
    same_json,
)
from countersign.agents.values.signature import Framework, NotGuardableError, Parameter, read
from countersign.approvals.audit.canonical import canonical_json, sha256_hex, well_formed
from countersign.approvals.errors import InvalidArgumentsError, InvalidError
from countersign.approvals.forms.schemas import closed, faults, whole
from countersign.approvals.models import Effective, JsonObject
from countersign.approvals.rules.arguments import LONGEST, problems

VERSION_DIGITS = 16
QUICK = 10_000
"""Characters of a text that is read without a thread of its own."""
_NUMBERS = (bool, int, float)


class ToolParameters:
    """What one tool takes: its JSON Schema, its defaults, and the way from one to the body."""

    def __init__(
        self,
        tool: str,
        body: Callable[..., Any],
        offered: JsonObject | None,
        framework: Framework,
    ):
        """`offered` is what models are shown; None for what the function says of itself.

        Raises NotGuardableError, with the parameter, for what cannot be shown faithfully.
        """
        self.tool = tool
        offered = whole(framework.schema(tool, body) if offered is None else offered)
        self._signature = read(body, frozenset(offered["properties"]), framework)
        optional = [each for each in self._signature.parameters.values() if not each.required]
        self._defaults = {each.name: default_of(each) for each in optional}
        self.shown = with_defaults(offered, self._defaults)
        self.schema = closed(self.shown)
        for name, fault in faults(self.schema).items():
            raise NotGuardableError(f"{name}: {fault}")
        injected = [each.model_dump() for each in self._signature.injected]
        known = {"schema": self.schema, "defaults": self._defaults, "injected": injected}
        self.version = sha256_hex(canonical_json(known))[:VERSION_DIGITS]
        self._injected = {each.name: each.value for each in self._signature.injected}
        parameters = self._signature.parameters.values()
        self._is_plain = "pattern" not in json.dumps(self.schema) and all(
            each.is_plain for each in parameters
        )
        self._kinds = {each.name: kind for each in parameters if (kind := each.kept_kind)}

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return self._signature.is_async

    def is_quick(self, arguments: JsonObject) -> bool:
        """Whether these can be read at once: they are short, and no code of the user's reads
        them."""
        return self._is_plain and all(
            value is None or type(value) in _NUMBERS or (type(value) is str and len(value) <= QUICK)
            for value in arguments.values()
        )

    def made_anew(self, other: ToolParameters) -> list[str]:
        """The parameters that are not the same in another chat that was built of the workflow."""
        if self.version == other.version:
            return []
        found = {
            name
            for mine, others in (
                (self._defaults, other._defaults),
                (self._injected, other._injected),
                (self.schema["properties"], other.schema["properties"]),
            )
            for name in mine.keys() | others.keys()
            if name not in mine or name not in others or not same_json(mine[name], others[name])
        }
        return sorted(found) or ["its schema"]

    def effective(self, arguments: JsonObject) -> Effective:
        """What the body would receive. Raises InvalidArgumentsError with a reason by argument."""
        try:
            return self._effective(arguments)
        except InvalidArgumentsError:
            raise
        except (Exception, SystemExit) as exc:  # types of the user's may raise anything anywhere
            reason = well_formed(f"cannot be read: {error_text(exc)}")
            raise InvalidArgumentsError(self.tool, {"arguments": reason}) from exc

    def _effective(self, arguments: JsonObject) -> Effective:
        self._require({**problems(self.schema, arguments), **self._unknown(arguments)})
        if (kept_as_is := self._kept(arguments)) is not None:
            added = tuple(f"/{name}" for name in kept_as_is if name not in arguments)
            return self._effective_of(kept_as_is, added)
        objects = self._objects(arguments)
        dumped = self._dump(objects)
        complete = {name: kept(arguments.get(name), value) for name, value in dumped.items()}
        self._require(_unsignable(complete))
        self._require(self._misfits(complete))
        again = self._objects(complete)
        for name, value in dumped.items():
            if name in arguments and not alike(objects[name], again[name]):
                complete[name] = kept(arguments[name], value, numbers=True)
                self._require(self._misfits(complete))
                again[name] = self._objects(complete)[name]
        self._require(_changes(complete, self._dump(again), objects, again))
        return self._effective_of(complete, tuple(_added(arguments, complete, "")))

    def _effective_of(self, complete: JsonObject, defaulted: tuple[str, ...]) -> Effective:
        return Effective(
            arguments=complete,
            defaulted=defaulted,
            injected=self._signature.injected,
            schema_version=self.version,
        )

    def _kept(self, arguments: JsonObject) -> JsonObject | None:
        """What the body receives, where nothing converts it: each argument is of its parameter's
        own plain type, or left to a plain default. None where it has to be read to be known."""
        complete = {**self._defaults, **arguments}
        if complete.keys() != self._kinds.keys():
            return None
        for name, value in arguments.items():
            if type(value) is not self._kinds[name]:
                return None
        try:
            canonical_json(complete)
        except InvalidError:
            return None
        return {name: complete[name] for name in self._kinds}

    def call(self, arguments: JsonObject) -> Callable[[], Any]:
        """The call of the function with exactly these effective arguments, to be made at once.

        What is written down to compare it is read a second time: writing may use it up.
        Raises InvalidArgumentsError if they would reach it as anything else.
        """
        signature = self._signature
        if arguments.keys() != self._kinds.keys() or (given := self._kept(arguments)) is None:
            written, given = self._objects(arguments), self._objects(arguments)
            self._require(_changes(arguments, self._dump(written), written, given))
        return lambda: signature.function(**given, **signature.fixed)

    def _objects(self, arguments: JsonObject) -> dict[str, Any]:
        """What the function is given, in the order of its parameters."""
        objects: dict[str, Any] = {}
        wrong: dict[str, str] = {}
        for name, parameter in self._signature.parameters.items():
            if name not in arguments:
                if parameter.required:
                    wrong[name] = "is required"
                else:
                    objects[name] = own(parameter.default)
                continue
            try:
                objects[name] = self._converted(parameter, arguments[name])
            except ValidationError as exc:
                wrong[name] = _reasons(exc)
            except (Exception, SystemExit) as exc:  # a validator of the user's may raise anything
                wrong[name] = f"its validator failed: {error_text(exc)}"
        more = [name for name in arguments if name not in objects]
        objects.update({name: copy.deepcopy(arguments[name]) for name in more})
        self._require(wrong)
        return objects

    def _converted(self, parameter: Parameter, value: Any) -> Any:
        default = self._defaults.get(parameter.name, _NONE)
        if default is not _NONE and same_json(value, default) and not is_model(parameter):
            return own(parameter.default)
        return read_again(parameter, value)

    def _dump(self, objects: Mapping[str, Any]) -> JsonObject:
        dumped: JsonObject = {}
        wrong: dict[str, str] = {}
        for name, value in objects.items():
            parameter = self._signature.parameters.get(name)
            try:
                dumped[name] = dump(None if parameter is None else parameter.adapter, value)
            except (Exception, SystemExit) as exc:  # serializers are code of the user's, too
                wrong[name] = f"cannot be written down: {error_text(exc)}"
        self._require(wrong)
        return dumped

    def _misfits(self, complete: JsonObject) -> dict[str, str]:
        return {
            name: f"is {complete.get(name)!r} once it is converted: {reason}"[:LONGEST]
            for name, reason in problems(self.schema, complete).items()
        }

    def _unknown(self, arguments: JsonObject) -> dict[str, str]:
        if self._signature.open:
            return {}
        known = self._signature.parameters
        return {n: "is not an argument of this tool" for n in arguments if n not in known}

    def _require(self, wrong: Mapping[str, str]) -> None:
        if wrong:
            reasons = {name: well_formed(reason) for name, reason in wrong.items()}
            raise InvalidArgumentsError(self.tool, reasons)


_NONE = object()


def _unsignable(arguments: JsonObject) -> dict[str, str]:
    found = {}
    for name, value in arguments.items():
        try:
            canonical_json(value)
        except InvalidError as exc:
            found[name] = f"cannot be signed: {exc}"
    return found


def _changes(
    signed: JsonObject, dumped: JsonObject, objects: Mapping[str, Any], again: Mapping[str, Any]
) -> dict[str, str]:
    """Why what the body receives is not what is signed, by argument; empty if it is."""
    found = {}
    for name in signed.keys() | dumped.keys():
        here = name in signed and name in dumped
        if not here or not same_json(signed[name], kept(signed[name], dumped[name], numbers=True)):
            found[name] = (
                "is not the same once it is written down and read again "
                f"({signed.get(name)!r} becomes {dumped.get(name)!r}), so it cannot be approved"
            )[:LONGEST]
        elif not alike(objects[name], again[name]):
            found[name] = (
                "holds something that is not in what is written down (a secret, or a member that "
                "is left out), so it cannot be approved"
            )
    return found


def _added(written: Any, complete: Any, at: str) -> Iterator[str]:
    """Pointers to what stands in `complete` and was not written."""
    if isinstance(written, dict) and isinstance(complete, dict):
        for key, value in complete.items():
            where = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key in written:
                yield from _added(written[key], value, where)
            else:
                yield where
    elif isinstance(written, list) and isinstance(complete, list) and len(written) == len(complete):
        for index, (old, new) in enumerate(zip(written, complete, strict=True)):
            yield from _added(old, new, f"{at}/{index}")


def _reasons(error: ValidationError) -> str:
    found = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        where = ".".join(str(part) for part in each["loc"])
        found.append(f"{where}: {each['msg']}" if where else str(each["msg"]))
    return "; ".join(found)[:LONGEST]
