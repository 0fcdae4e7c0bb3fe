"""Creating issues, and restoring them: one request each, so that nothing is half done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign.approvals.errors import InvalidError, NotFoundError, UnansweredError
from countersign.approvals.ports import TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import TicketRef, text_sha256
from countersign.connectors.document import Document
from countersign.connectors.document_of_calls import document_of
from countersign.connectors.jira import jql, text, wire
from countersign.connectors.jira.client import JiraClient
from countersign.connectors.jira.people import NAME, People
from countersign.connectors.jira.refusals import FieldsError
from countersign.connectors.jira.settings import JiraSettings

PROPERTY = "agent.approval"
"""For people and programs of the site; we decide nothing by it, as anybody may change it."""


class Opening:
    """Writes what an order asks into an issue."""

    def __init__(
        self, client: JiraClient, settings: JiraSettings, people: People, links: ReadLinks | None
    ):
        self._client, self._settings = client, settings
        self._people, self._links = people, links
        self._names: dict[str, str] = {}

    async def open(self, order: TicketOrder) -> TicketRef:
        """Make the issue."""
        title, written = await self._texts(order)
        body, settings = written.text, self._settings
        fields = {
            **settings.fields,
            "project": _named(settings.project, "key"),
            "issuetype": _named(settings.issue_type, "name"),
            "summary": title,
            "description": body,
            "labels": self._labels(order),
            **await self._who(order),
        }
        digest = order.view.request.digest
        value = {"order": order.key, "digest": digest}
        made = await self._write(
            order,
            "POST",
            "issue",
            {"fields": fields, "properties": [{"key": PROPERTY, "value": value}]},
        )
        try:
            issue_id, key = wire.number(made["id"]), str(made["key"])
        except (TypeError, KeyError, wire.MalformedError) as exc:
            raise UnansweredError("Jira did not say which issue it has made.") from exc
        url = f"{settings.url}/browse/{key}"
        shown = wire.shown_sha256(title, body)
        return TicketRef(id=issue_id, key=key, url=url, shown=shown, whole=written.whole)

    async def adopt(self, order: TicketOrder, issue: wire.Issue) -> TicketRef:
        """Write again what the issue should say, if it says anything else."""
        title, written = await self._texts(order)
        body = written.text
        who = await self._who(order, again=True)
        edit: dict[str, Any] = {}
        same = (issue.summary, text_sha256(issue.description)) == (title, text_sha256(body))
        if not same:
            edit["fields"] = {"summary": title, "description": body, **who}
        missing = [label for label in self._labels(order) if label not in issue.labels]
        if missing:
            edit["update"] = {"labels": [{"add": label} for label in missing]}
        if edit:
            await self._write(order, "PUT", f"issue/{issue.id}", edit)
        ref = issue.ref(self._settings.url, wire.shown_sha256(title, body))
        return ref.model_copy(update={"whole": written.whole})

    async def names(self) -> Mapping[str, str]:
        """What the statuses and fields are called, by id; read once."""
        if not self._names:
            path = f"project/{self._settings.project}/statuses"
            try:
                kinds = await self._client.get(path, "the statuses of the project")
            except NotFoundError as exc:
                raise InvalidError(
                    f"Jira has no project {self._settings.project}, or hides it; correct "
                    "connectors.jira.project, and let our account browse it."
                ) from exc
            fields = await self._client.get("field", "the fields")
            self._names = {**_names(fields), **status_names(kinds)}
        return self._names

    async def _texts(self, order: TicketOrder) -> tuple[str, text.Written]:
        said: Document = document_of(order, self._links, NAME)
        return said.title, text.description(said, self._settings, await self.names())

    def _labels(self, order: TicketOrder) -> list[str]:
        settings = self._settings
        return [settings.label, settings.open_label, settings.order_label(jql.checked(order.key))]

    async def _who(self, order: TicketOrder, *, again: bool = False) -> dict[str, Any]:
        """Who is asked; `again`: without the assignee, whom people may have changed."""
        settings = self._settings
        people = await self._people.named(order.approvers)
        found: dict[str, Any] = {}
        if settings.assign and not again:
            found["assignee"] = people[0]
        if settings.approver_field is not None:
            several = settings.approver_field_multiple
            found[settings.approver_field] = people if several else people[0]
        return found

    async def _write(self, order: TicketOrder, method: str, path: str, body: object) -> Any:
        try:
            return await self._client.send(method, path, body, f"the ticket {order.key}")
        except FieldsError as exc:
            reasons = [self._explained(order, *error) for error in exc.errors.items()]
            raise InvalidError(" ".join(reasons) or str(exc)) from exc

    def _explained(self, order: TicketOrder, field: str, reason: str) -> str:
        name = self._names.get(field, field)
        called = field if name == field else f"{name} ({field})"
        said = f"Jira did not take the ticket: {called}: {reason}"
        settings = self._settings
        match field:
            case "assignee":
                who = order.approvers[0]
                fix = (
                    f"Let {who.name} ({who.identities['jira']}) be assigned issues in "
                    f"{settings.project}, or set connectors.jira.assign to false."
                )
            case "project" | "issuetype":
                key = {"issuetype": "issue_type"}.get(field, field)
                fix = f"Correct connectors.jira.{key}, and let our account create issues there."
            case settings.approver_field:
                people = ", ".join(person.name for person in order.approvers)
                fix = f"Check connectors.jira.approver_field and the accounts of {people}."
            case _ if field in settings.fields:
                fix = f"Correct connectors.jira.fields.{field}."
            case _:
                fix = f"Set connectors.jira.fields.{field}, or make the field optional."
        return f"{said.rstrip('.')}. {fix}"


def status_names(raw: Any) -> dict[str, str]:
    """Ids and names of the statuses of a project, of all its issue types."""
    kinds = raw if isinstance(raw, list) else []
    found: dict[str, str] = {}
    for kind in kinds:
        statuses = kind.get("statuses") if isinstance(kind, dict) else None
        found.update(_names(statuses))
    return found


def _names(raw: Any) -> dict[str, str]:
    entries = [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, list) else []
    return {str(entry.get("id")): str(entry.get("name", "")) for entry in entries}


def _named(value: str, otherwise: str) -> dict[str, str]:
    return {"id": value} if value.isdecimal() else {otherwise: value}
