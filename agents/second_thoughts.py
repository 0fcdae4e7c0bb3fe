"""Second thoughts: what an agent that is asked about its proposal may do beside answering.

It can take the proposal back, or propose the same tool's call with other arguments instead. Both
end the side conversation; neither runs anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from countersign.approvals.models import JsonObject, Request, RequestKind

TAKE_BACK, CHANGE = "withdraw_proposal", "revise_proposal"
"""The tools that agents are offered for it, unless their chat has tools of these names."""
_REASON: JsonObject = {
    "type": "string",
    "description": "Why, in a sentence or two, for the people who decide.",
    "minLength": 1,
}
MAY = (
    " If the question shows that your proposal is wrong, do not explain it away: call {names}. "
    "People are asked anew then, and what was voted before does not count."
)


def offered(request: Request, tools: Mapping[str, JsonObject]) -> dict[str, JsonObject]:
    """What may be called about this request, by name, with what it takes; `tools` maps those of the
    chat to what they take."""
    takes = tools.get(request.tool)
    if request.kind is not RequestKind.TOOL:
        return {}
    found = {TAKE_BACK: _object({"reason": _REASON})}
    if takes is not None:
        found[CHANGE] = _object({"arguments": takes, "reason": _REASON})
    return {name: schema for name, schema in found.items() if name not in tools}


def described(name: str, request: Request) -> str:
    """What the model reads about it."""
    if name == TAKE_BACK:
        return f"Take your proposed call of {request.tool} back: it does not run."
    return (
        f"Propose the call of {request.tool} with these arguments instead; give all of them. "
        "People decide on it anew."
    )


def _object(properties: JsonObject) -> JsonObject:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
