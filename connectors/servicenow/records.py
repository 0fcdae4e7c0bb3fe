"""Creating a ticket, and completing one that is there: the record, and whom it asks."""

from __future__ import annotations

from collections.abc import Sequence

from countersign.approvals.errors import (
    InvalidError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
)
from countersign.approvals.ports import TicketOrder
from countersign.approvals.read_links import ReadLinks
from countersign.approvals.tickets import TicketRef, text_sha256
from countersign.connectors.document import Document
from countersign.connectors.document_of_calls import document_of
from countersign.connectors.servicenow import (
    query,
    reading,
    text,
    wire,
)
from countersign.connectors.servicenow.client import Row, ServiceNowClient
from countersign.connectors.servicenow.settings import ServiceNowSettings

NAME = "servicenow"
_WRITTEN = (
    "sys_id",
    "number",
    "correlation_id",
    "correlation_display",
    "short_description",
    "description",
)


class Records:
    """Writes the records of one instance."""

    def __init__(
        self, client: ServiceNowClient, settings: ServiceNowSettings, links: ReadLinks | None
    ):
        self._client, self._settings, self._links = client, settings, links

    async def open(self, order: TicketOrder) -> TicketRef:
        """A new record, with an approval for each approver.

        Whoever cannot be asked is found out before anything is made.
        """
        people = await self._people(order)
        said, written = self._texts(order)
        row = await self._client.create(
            self._settings.table,
            {
                **self._settings.fields,
                "short_description": text.title(said),
                "description": written.text,
                "correlation_id": order.key,
                "correlation_display": self._settings.open_mark,
            },
            _WRITTEN,
        )
        ref = self._ref(row, order, written)
        try:
            await self._ask(ref, people)
        except (UnavailableError, NotFoundError) as exc:
            # The record is there: whoever tries again finds it and completes it.
            raise UnansweredError(
                f"{ref.key} was made, but not everybody was asked: {exc}",
                retry_after_s=getattr(exc, "retry_after_s", None),
            ) from exc
        return ref

    async def adopt(self, order: TicketOrder, ref: TicketRef) -> TicketRef:
        """The record that is there, with our text in it and everybody asked."""
        people = await self._people(order)
        row = await self._client.row(self._settings.table, ref.id, _WRITTEN)
        said, written = self._texts(order)
        wanted = {
            "short_description": text.title(said),
            "description": written.text,
            "correlation_id": order.key,
        }
        if not wire.text(row, "correlation_display").startswith(f"{self._settings.prefix}:"):
            wanted["correlation_display"] = self._settings.open_mark
        wrong = {
            name: value
            for name, value in wanted.items()
            if text_sha256(wire.text(row, name)) != text_sha256(value)
        }
        if wrong:
            row = await self._client.update(self._settings.table, ref.id, wrong, _WRITTEN)
        adopted = self._ref(row, order, written)
        await self._ask(adopted, people)
        return adopted

    def _texts(self, order: TicketOrder) -> tuple[Document, text.Written]:
        said = document_of(order, self._links, NAME)
        return said, text.description(said, self._settings)

    def _ref(self, row: Row, order: TicketOrder, written: text.Written) -> TicketRef:
        """The reference, if the row was stored as we sent it.

        Columns that our user may not write are left out without a word, and texts are cut.
        """
        sys_id, number = wire.sys_id(row), wire.text(row, "number")
        if sys_id is None:
            raise UnansweredError("ServiceNow made a record and did not say which.")
        if wire.text(row, "correlation_id") != order.key:
            raise InvalidError(
                f"{number}: our user cannot write correlation_id on {self._settings.table}; give "
                "it write access, and correlation_display and description as well."
            )
        description = wire.text(row, "description")
        if text_sha256(description) != text_sha256(written.text):
            raise InvalidError(
                f"{number}: the description was not stored as we sent it; set "
                "connectors.servicenow.description_limit to what the column takes, and look for "
                "rules that rewrite it."
            )
        # Rules may well rewrite titles; what stands there after that must stay.
        shown = wire.shown_sha256(wire.text(row, "short_description"), description)
        return TicketRef(
            id=sys_id,
            key=number,
            url=reading.link(self._settings, sys_id),
            shown=shown,
            whole=written.whole,
        )

    async def _people(self, order: TicketOrder) -> dict[str, str]:
        """`user_name` (case folded) to sys_id of those to ask. Raises InvalidError."""
        if self._settings.decide_by != "approvers" or not self._settings.create_approvals:
            return {}
        names = [person.identities["servicenow"] for person in order.approvers]
        found = await users(self._client, names)
        missing = [name for name in names if name.casefold() not in found]
        if missing:
            raise InvalidError(
                f"ServiceNow has no active user {', '.join(missing)}; correct `identities: "
                "{servicenow: …}` (the User ID) in `people`, or let our user read sys_user."
            )
        return {name.casefold(): found[name.casefold()] for name in names}

    async def _ask(self, ref: TicketRef, people: dict[str, str]) -> None:
        """Make the approvals that are not there yet."""
        if not people:
            return
        there = await approvals_of(self._client, ref.id)
        asked = {wire.text(row, "approver.user_name").casefold() for row in there}
        for name, sys_id in people.items():
            if name not in asked:
                await self._client.create(
                    wire.APPROVALS,
                    {
                        "approver": sys_id,
                        "sysapproval": ref.id,
                        "source_table": self._settings.table,
                        "document_id": ref.id,
                        "state": "requested",
                    },
                    ("sys_id",),
                )


async def users(client: ServiceNowClient, names: Sequence[str]) -> dict[str, str]:
    """The active users among these, `user_name` (case folded) to sys_id."""
    asked = query.all_of(query.any_of("user_name", names), query.equals("active", "true"))
    rows = await client.rows("sys_user", asked, ("sys_id", "user_name", "active"))
    wanted = {name.casefold() for name in names}
    found = {}
    for row in rows:
        name, sys_id = wire.text(row, "user_name").casefold(), wire.sys_id(row)
        if name in wanted and sys_id is not None and wire.text(row, "active") == "true":
            found[name] = sys_id
    return found


async def approvals_of(
    client: ServiceNowClient, record_id: str, columns: Sequence[str] = ()
) -> list[Row]:
    """The approvals of one record, the first made first."""
    rows = await client.rows(
        wire.APPROVALS,
        query.all_of(query.equals("sysapproval", record_id), "ORDERBYsys_created_on"),
        [*wire.APPROVAL_COLUMNS, *columns],
    )
    return [row for row in rows if wire.text(row, "sysapproval") == record_id]
