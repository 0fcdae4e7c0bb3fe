"""What an approval in a ticket asks for: exactly what is shown, or that with changes. Pure.

Everything that the person wrote beside it counts: before, with and after it, in the ticket and in
its field for changes. What may ask for something else and cannot be read is no approval at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from countersign.approvals.errors import InvalidError
from countersign.approvals.forms.wording import cut, visible
from countersign.approvals.models import (
    JsonObject,
    Principal,
    Request,
    RequestStatus,
    Verdict,
)
from countersign.approvals.ports import RequestView
from countersign.approvals.rules.delegation import reason_in_view
from countersign.connectors.comments.edits import (
    HOW,
    asked_for,
    changed,
    lists_only,
    split,
)
from countersign.connectors.comments.objections import objection
from countersign.connectors.comments.shown import Shown, shown, texts_of
from countersign.connectors.comments.vocabulary import Vocabulary

SHOWN_LIMIT = 160
"""Characters of what somebody wrote that are told back to them."""


@dataclass(frozen=True)
class Written:
    """What somebody wrote beside an approval in their own words: in a ticket, in a mail."""

    comment: str
    changes: str = ""
    """What stands in a field for changes, where there is one."""
    earlier: Sequence[str] = ()
    """What the same person had written before the comment."""
    by: str = ""
    """Their name there."""
    also: Sequence[str] = ()
    """What else stands there and may be named."""
    words: Vocabulary = field(default_factory=Vocabulary)
    """The languages in which people write there."""
    how: str = HOW
    """How to ask for changes there."""


def wanted(written: Written, verdict: Verdict, view: RequestView) -> tuple[str, JsonObject | None]:
    """The comment of an approval, and the arguments that it asks for; None if it is for those that
    are shown.

    Raises InvalidError or InvalidArgumentsError: the text says what to write instead.
    """
    request, schema, words = view.request, view.arguments_schema, written.words
    said, asked = asked_for(written.changes, written.comment, written.earlier, words)
    if asked is None and verdict is Verdict.MODIFY and lists_only(said, schema, request.arguments):
        said, asked = "", said
    arguments: JsonObject | None = None
    if verdict is Verdict.MODIFY or asked is not None:
        arguments = changed(request.tool, schema, request.arguments, asked or "")
    people = [written.by, "" if view.requester is None else view.requester.name]
    what = _shown(request, schema, [*written.also, *people], arguments)
    differs = None if arguments is None else _differences(request.arguments, arguments)
    for text in (*(split(text, words)[0] for text in written.earlier), said):
        reason = objection(text, words, what, changed=differs)
        if reason:
            with_changes = arguments is not None
            raise InvalidError(_unclear(text, reason, written.how, with_changes=with_changes))
    return said, arguments


def require_plain(
    comment: str,
    view: RequestView,
    person: Principal | None,
    how: str,
    arguments: JsonObject | None = None,
) -> None:
    """Raise InvalidError if what somebody who may decide wrote beside an approval, on a card or
    through the API, may ask for something else; `how` says what to do instead.

    `arguments` are those that they have changed with it.
    """
    request = view.request
    if request.status is not RequestStatus.PENDING or not comment.strip():
        return
    if person is None or reason_in_view(view, person) is not None:
        return  # which is what they are told
    named = [person.name, "" if view.requester is None else view.requester.name]
    what = _shown(request, view.arguments_schema, named, arguments)
    differs = None if arguments is None else _differences(request.arguments, arguments)
    reason = objection(comment, Vocabulary(), what, changed=differs)
    if reason:
        said = cut(" ".join(visible(comment).split()), SHOWN_LIMIT)
        raise InvalidError(
            f"Your comment “{said}” may ask for something else than what is shown: {reason}. "
            f"Nothing was decided. {how}"
        )


def _shown(
    request: Request, schema: JsonObject | None, also: Iterable[str], arguments: JsonObject | None
) -> Shown:
    beside = [*texts_of(request.facts or {}), *(each.value or "" for each in request.injected)]
    if request.preview is not None:
        beside += [request.preview.text, *(cell for row in request.preview.rows for cell in row)]
    more = [*also, *beside, *texts_of(arguments or {}), request.id, request.tool]
    return shown(schema, request.arguments, more, [each.name for each in request.injected])


def _differences(before: JsonObject, after: JsonObject) -> list[str]:
    return [
        name
        for name in {**before, **after}
        if name not in before or before[name] != after.get(name)
    ]


def _unclear(text: str, reason: str, how: str, *, with_changes: bool) -> str:
    quoted = cut(" ".join(visible(text).split()), SHOWN_LIMIT)
    if with_changes:
        return (
            f"Beside your changes you wrote “{quoted}”, which may ask for more: {reason}. Approve "
            "again with all changes in one list, and nothing else that could be a condition."
        )
    return (
        f"Your comment “{quoted}” may ask for something else than what is shown: {reason}. It "
        f"cannot be read as changes. To approve with changes, {how}; to approve exactly what is "
        "shown, approve again without a comment; to turn it down, reject it."
    )
