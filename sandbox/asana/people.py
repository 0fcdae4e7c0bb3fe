"""Who has an account in the workspace: four colleagues, our own account, and somebody else."""

from __future__ import annotations

from dataclasses import dataclass

WORKSPACE = "1200000000000001"
PROJECT = "1200000000000010"
ORDER_FIELD, CHANGES_FIELD = "1200000000000021", "1200000000000022"


@dataclass(frozen=True)
class User:
    """Somebody with an account."""

    gid: str
    login: str
    name: str
    token: str

    def compact(self) -> dict[str, str]:
        """As Asana gives whoever did something."""
        return {"gid": self.gid, "resource_type": "user", "name": self.name}


def _user(number: int, login: str, name: str) -> User:
    return User(f"12000000000001{number:02}", login, name, f"2/{number}/sandbox-{login}")


BOT = _user(1, "bot", "Countersign")
ALEX, SAM = _user(2, "alex", "Alex Wilber"), _user(3, "sam", "Sam Carter")
MEGAN, ADELE = _user(4, "megan", "Megan Bowen"), _user(5, "adele", "Adele Vance")
MALLORY, ADMIN = _user(6, "mallory", "Mallory"), _user(7, "admin", "Administrator")
USERS = (BOT, ALEX, SAM, MEGAN, ADELE, MALLORY, ADMIN)
BY_GID = {user.gid: user for user in USERS}
BY_LOGIN = {user.login: user for user in USERS}
BY_TOKEN = {user.token: user for user in USERS}
