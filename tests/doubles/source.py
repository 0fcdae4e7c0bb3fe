"""A directory that a test writes: what it says is given page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from countersign.approvals.errors import CountersignError
from countersign.approvals.models import (
    Account,
    Delegate,
    DirectoryPage,
    Group,
    KnownShift,
    Membership,
)
from countersign.approvals.ports import DirectorySource
from countersign.approvals.tickets import CheckResult


class FakeSource(DirectorySource):
    """Implements `approvals.ports.DirectorySource`: everybody in the groups of `members`."""

    def __init__(self, name: str = "entra", *, lists_everybody: bool = True) -> None:
        self.name, self.words, self.identity = name, name.capitalize(), name
        self.lists_everybody = lists_everybody
        self.accounts: dict[str, Account] = {}
        self.members: dict[str, list[str]] = {}
        self.parts: dict[str, list[str]] = {}
        """Groups in groups."""
        self.delegates: tuple[Delegate, ...] = ()
        self.shifts: tuple[KnownShift, ...] = ()
        self.changes: list[DirectoryPage] | None = None
        """What is said to whoever has a cursor; everything, if None."""
        self.fails: list[CountersignError] = []
        self.asked: list[str | None] = []
        self.between: Callable[[], object] | None = None
        """Called after the first page."""

    def add(self, id_: str, *groups: str, **more: object) -> None:
        """An account in these groups."""
        values = {"id": id_, "name": id_.capitalize(), "active": True, **more}
        self.accounts[id_] = Account.model_validate(values)
        for group in groups:
            self.members.setdefault(group, []).append(id_)

    def remove(self, id_: str) -> None:
        """The account is not there any more."""
        del self.accounts[id_]
        for members in self.members.values():
            if id_ in members:
                members.remove(id_)

    async def read(self, cursor: str | None) -> AsyncIterator[DirectoryPage]:
        self.asked.append(cursor)
        pages = list(self._pages())
        if cursor is not None and self.changes is not None:
            pages, self.changes = self.changes, []
        for number, page in enumerate(pages):
            yield page
            if number == 0 and self.between is not None:
                between, self.between = self.between, None
                result = between()
                if hasattr(result, "__await__"):
                    await result
            if self.fails:
                raise self.fails.pop(0)
        # who lists some cannot tell changes either
        yield DirectoryPage(cursor=f"after {len(self.asked)}" if self.lists_everybody else None)

    def _pages(self) -> Sequence[DirectoryPage]:
        accounts = [DirectoryPage(accounts=(account,)) for account in self.accounts.values()]
        groups = [
            DirectoryPage(
                groups=(Group(id=group, name=group),),
                memberships=(
                    *(Membership(group_id=group, member_id=m) for m in members),
                    *(
                        Membership(group_id=group, member_id=part, is_group=True)
                        for part in self.parts.get(group, ())
                    ),
                ),
            )
            for group, members in {**{key: [] for key in self.parts}, **self.members}.items()
        ]
        return [*accounts, *groups, DirectoryPage(delegates=self.delegates, shifts=self.shifts)]

    async def check(self) -> Sequence[CheckResult]:
        return [CheckResult(name="all of it", ok=True, said="is here")]

    async def close(self) -> None:
        """Nothing is open."""
