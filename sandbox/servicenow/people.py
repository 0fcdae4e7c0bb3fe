"""The users and groups of the instance; sys_ids never change, so that policies can name them."""

from __future__ import annotations

from dataclasses import dataclass

ADMIN = "admin"
"""Role: everything is allowed, state checks included."""
ITIL = "itil"
"""Role: works on changes, sees every approval."""
APPROVER = "approver_user"
"""Role: sees and answers his own approvals."""
APPROVAL_ADMIN = "approval_admin"
"""Role: may write any approval, which is how an integration answers for somebody else."""
INTEGRATION = "approvals_integration"
"""Not a role of the vendor: what an administrator grants so that an integration can read journals,
the audit and properties, which otherwise only an administrator reads."""

SYSTEM = "system"
"""Who flows of the instance itself write as."""


@dataclass(frozen=True)
class User:
    """A row of `sys_user` with what the Table API never shows."""

    user_name: str
    name: str
    sys_id: str
    email: str
    password: str
    roles: frozenset[str]
    time_zone: str


@dataclass(frozen=True)
class Group:
    """A row of `sys_user_group` with its members' user names."""

    name: str
    sys_id: str
    members: tuple[str, ...]


def _sys_id(number: int) -> str:
    return f"c0de{number:028x}"


def _user(number: int, user_name: str, name: str, login: str, time_zone: str, *roles: str) -> User:
    return User(
        user_name,
        name,
        _sys_id(number),
        f"{login}@example.com",
        f"{login}-pass",
        frozenset(roles),
        time_zone,
    )


BOT = _user(
    1, "svc_approvals", "Approvals Integration", "svc", "GMT", ITIL, APPROVAL_ADMIN, INTEGRATION
)
"""The integration user; take APPROVAL_ADMIN away and it cannot answer for anybody."""
ALEX = _user(2, "alex.wilber", "Alex Wilber", "alexw", "Europe/Berlin", ITIL, APPROVER)
SAM = _user(3, "sam.carter", "Sam Carter", "samc", "America/Los_Angeles", APPROVER)
MEGAN = _user(4, "megan.bowen", "Megan Bowen", "meganb", "America/Los_Angeles", ITIL, APPROVER)
ADELE = _user(5, "adele.vance", "Adele Vance", "adelev", "Europe/London", APPROVER)
MALLORY = _user(6, "mallory.evil", "Mallory Evil", "mallory", "GMT", ITIL)
"""Sees every ticket and approves none."""
ADMINISTRATOR = _user(7, "admin", "System Administrator", "admin", "America/Los_Angeles", ADMIN)

USERS = (BOT, ALEX, SAM, MEGAN, ADELE, MALLORY, ADMINISTRATOR)
BY_NAME = {user.user_name: user for user in USERS}

CAB = Group("CAB Approval", _sys_id(0x101), (ALEX.user_name, SAM.user_name))
SERVICE_DESK = Group("Service Desk", _sys_id(0x102), (MEGAN.user_name, MALLORY.user_name))
GROUPS = (CAB, SERVICE_DESK)


def membership_id(group: Group, user_name: str) -> str:
    """The sys_id of the row of `sys_user_grmember`."""
    return f"{group.sys_id[:28]}{BY_NAME[user_name].sys_id[-4:]}"
