"""Issues of the REST API, version 2, as values of ours. What comes is untrusted, checked at use.

People are an `accountId` on Cloud and a `key` on Data Center (names are changed there, keys are
not), in lower case. Times carry an offset, `2026-11-25T10:11:12.345+0000`, but in the bulk read of
histories they are milliseconds. Data Center leaves `fieldId` out of histories; a custom field goes
by its name there. Source: developer.atlassian.com, "Issues" and "Issue search", read 2026-11-25;
recordings in mattermost-plugin-jira, server/testdata.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from countersign.approvals.audit.canonical import well_formed
from countersign.approvals.models import Value
from countersign.approvals.tickets import TicketRef, text_sha256
from countersign.connectors.jira.typed import as_typed

FIELDS = (
    "summary",
    "description",
    "status",
    "labels",
    "project",
    "creator",
    "created",
    "updated",
    "comment",
)
"""What a reading asks for."""
HISTORY_FIELDS = ("status", "summary", "description")
"""Whose changes matter, beside the field for changes."""


class MalformedError(ValueError):
    """Something that Jira would not send."""


class Account(Value):
    """A person or an app."""

    id: str | None
    """None if Jira does not say."""
    name: str = ""


class Change(Value):
    """One field that changed."""

    field: str
    """Its id."""
    to: str
    """The id of the new value, where values have ids."""
    text_before: str
    text: str


class History(Value):
    """What one person changed at one moment."""

    id: str
    at: datetime
    by: Account
    changes: tuple[Change, ...]

    def of(self, field: str) -> Change | None:
        """The change of this field; the last, if there were two."""
        return next((c for c in reversed(self.changes) if c.field == field), None)


class Remark(Value):
    """A comment."""

    at: datetime
    by: Account
    text: str
    """As it was typed."""
    edited: bool
    """Whether somebody else has changed it since."""


class Issue(Value):
    """An issue as it was read."""

    id: str
    key: str
    status: str
    status_name: str
    done: bool
    """Whether its status counts as final."""
    labels: tuple[str, ...]
    project_id: str
    """Empty if the site does not say."""
    creator: Account
    summary: str
    description: str
    created_at: datetime
    updated: str
    histories: tuple[History, ...] = ()
    """Oldest first."""
    histories_complete: bool = True
    remarks: tuple[Remark, ...] = ()
    remarks_complete: bool = True

    def is_of(self, project: str) -> bool:
        """Whether it is in the project with this key or id."""
        return project in (self.key.rpartition("-")[0], self.project_id)

    def ref(self, site_url: str, shown: str = "") -> TicketRef:
        """What it is called."""
        return TicketRef(id=self.id, key=self.key, url=f"{site_url}/browse/{self.key}", shown=shown)


def shown_sha256(title: str, description: str) -> str:
    """Hashes of what we write for people to decide on: of the description, a point, of the title.

    Issues of before there was a second have the first only.
    """
    return f"{text_sha256(description)}.{text_sha256(title)}"


def issue(raw: Any, changes_names: Collection[str] = (), changes_field: str = "") -> Issue:
    """An issue; `changes_names` is what Data Center calls the field `changes_field`.

    Raises MalformedError.
    """
    found = _object(raw)
    fields, log = _object(found.get("fields")), _object(found.get("changelog", {}))
    status, comment = _object(fields.get("status")), _object(fields.get("comment") or {})
    entries, said = _list(log.get("histories", [])), _list(comment.get("comments", []))
    return Issue(
        id=number(found.get("id")),
        key=_text(found, "key", required=True),
        status=number(status.get("id")),
        status_name=_text(status, "name"),
        done=_object(status.get("statusCategory") or {}).get("key") == "done",
        labels=tuple(label for label in _list(fields.get("labels") or []) if _is_text(label)),
        project_id=_text(_object(fields.get("project") or {}), "id"),
        creator=account(fields.get("creator")),
        summary=_text(fields, "summary"),
        description=_text(fields, "description"),
        created_at=moment(fields.get("created")),
        updated=_text(fields, "updated"),
        histories=histories(entries, changes_names, changes_field),
        histories_complete=_total(log) <= len(entries),
        remarks=remarks(said),
        remarks_complete=_total(comment) <= len(said),
    )


def histories(
    raw: Iterable[Any], changes_names: Collection[str] = (), changes_field: str = ""
) -> tuple[History, ...]:
    """Entries of a changelog, oldest first. Raises MalformedError."""
    found = [_history(entry, changes_names, changes_field) for entry in raw]
    return tuple(sorted(found, key=lambda history: (history.at, int(history.id))))


def remarks(raw: Iterable[Any]) -> tuple[Remark, ...]:
    """Comments, oldest first. Raises MalformedError."""
    found = []
    for entry in map(_object, raw):
        by, editor = account(entry.get("author")), account(entry.get("updateAuthor"))
        found.append(
            Remark(
                at=moment(entry.get("created")),
                by=by,
                text=_words(entry.get("body")),
                edited=editor.id is not None and editor.id != by.id,
            )
        )
    return tuple(sorted(found, key=lambda remark: remark.at))


def _words(raw: Any) -> str:
    """What was typed; markup in version 2 of the API, a document in version 3."""
    if raw is not None and not isinstance(raw, str | dict):
        raise MalformedError("no text")
    return well_formed(as_typed(raw))


def account(raw: Any) -> Account:
    """Somebody; nobody if it is nothing that names one."""
    if not isinstance(raw, dict):
        return Account(id=None)
    named = raw.get("accountId") or raw.get("key")
    name = raw.get("displayName")
    return Account(
        id=_small(named) if isinstance(named, str) and named.strip() else None,
        name=well_formed(name) if isinstance(name, str) else "",
    )


def _small(identity: str) -> str:
    """In lower case, if it is ASCII as ids are: the Kelvin sign must not become a k."""
    return identity.lower() if identity.isascii() else well_formed(identity)


def moment(raw: Any) -> datetime:
    """A time. Raises MalformedError."""
    try:
        if isinstance(raw, int) and not isinstance(raw, bool):
            return datetime.fromtimestamp(raw / 1000, UTC)
        found = datetime.fromisoformat(raw)
    except (TypeError, ValueError, OverflowError, OSError) as exc:
        raise MalformedError("no time") from exc
    if found.tzinfo is None:
        raise MalformedError("a time without an offset")
    return found.astimezone(UTC)


def number(raw: Any) -> str:
    """An id, which is digits. Raises MalformedError."""
    text = str(raw)
    if isinstance(raw, bool) or not (text.isascii() and text.isdecimal() and len(text) <= 19):
        raise MalformedError("no id")
    return text


def _history(raw: Any, changes_names: Collection[str], changes_field: str) -> History:
    entry = _object(raw)
    changes = []
    for item in map(_object, _list(entry.get("items", []))):
        name = item.get("fieldId")
        if name is None:
            custom = item.get("fieldtype") == "custom"
            name = item.get("field")
            if custom:
                name = changes_field if name in changes_names else None
        if isinstance(name, str):
            changes.append(
                Change(
                    field=name,
                    to=_text(item, "to"),
                    text_before=_text(item, "fromString"),
                    text=_text(item, "toString"),
                )
            )
    return History(
        id=number(entry.get("id")),
        at=moment(entry.get("created")),
        by=account(entry.get("author")),
        changes=tuple(changes),
    )


def _object(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise MalformedError("no object")
    return raw


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise MalformedError("no list")
    return raw


def _text(raw: dict[str, Any], name: str, *, required: bool = False) -> str:
    found = raw.get(name)
    if found is None and not required:
        return ""
    if not isinstance(found, str):
        raise MalformedError(f"no {name}")
    return well_formed(found)


def _is_text(raw: Any) -> bool:
    return isinstance(raw, str)


def _total(raw: dict[str, Any]) -> int:
    total = raw.get("total", 0)
    return total if isinstance(total, int) else 0
