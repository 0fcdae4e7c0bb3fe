"""What directories say: accounts, groups, who is in them, and who stands in for whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from countersign.approvals.models.base import Value
from countersign.approvals.models.schedules import KnownShift


class AccountState(StrEnum):
    """How an account stands in its directory."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    """Deactivated or deleted there: whoever it belongs to is nobody here."""
    GONE = "gone"
    """Not among those that were asked for any more, which says nothing of the person."""


class Account(Value):
    """One person's account in a directory; None is what is as it was."""

    id: str
    """As the directory identifies it for ever: an object id, an account id, a sys_id."""
    identity: str | None = None
    """How channels know its owner, where that is not the id."""
    name: str | None = None
    email: str | None = None
    active: bool | None = None


class Group(Value):
    """A group; one that `is_gone` has no members."""

    id: str
    name: str = ""
    is_gone: bool = False


class Membership(Value):
    """That an account, or a group, is in a group; or no longer is."""

    group_id: str
    member_id: str
    is_group: bool = False
    is_gone: bool = False


class Delegate(Value):
    """That one account decides for another one, from a time on, until a time."""

    id: str
    account_id: str
    delegate_id: str
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class DirectoryPage(Value):
    """A piece of a reading, in the order in which it was given: of two words on the same thing,
    the later one holds."""

    accounts: tuple[Account, ...] = ()
    groups: tuple[Group, ...] = ()
    memberships: tuple[Membership, ...] = ()
    delegates: tuple[Delegate, ...] = ()
    shifts: tuple[KnownShift, ...] = ()
    cursor: str | None = None
    """With the last page: from where the next reading has only what has changed."""

    def __len__(self) -> int:
        told = self.accounts, self.groups, self.memberships, self.delegates, self.shifts
        return sum(map(len, told))
