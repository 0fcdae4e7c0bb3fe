"""Who has an account on the site: the automation account, four colleagues and a stranger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

CLOUD_ID = "11111111-2222-3333-4444-555555555555"
"""OAuth clients call `/ex/jira/{cloud id}/rest/...`, as through api.atlassian.com."""


@dataclass(frozen=True)
class Account:
    """A user. On Cloud the account id names them, on Data Center `login` (name) and `user_key`."""

    login: str
    account_id: str
    display_name: str
    email: str
    time_zone: str = "Etc/UTC"
    email_visible: bool = False
    """Cloud hides email addresses from everyone but their owner unless the profile shows them."""

    @property
    def token(self) -> str:
        """API token (Cloud, with the email) or personal access token (Data Center, as bearer)."""
        return f"sandbox-token-{self.login}"

    @property
    def oauth_token(self) -> str:
        """An OAuth 2.0 (3LO) access token that works."""
        return f"sandbox-oauth-{self.login}"

    @property
    def expired_oauth_token(self) -> str:
        """One that worked an hour ago."""
        return f"sandbox-expired-oauth-{self.login}"

    @property
    def password(self) -> str:
        """The password on Data Center; Cloud accepts none."""
        return f"sandbox-password-{self.login}"

    @property
    def user_key(self) -> str:
        """The key on Data Center, which stays when the name changes."""
        return f"JIRAUSER{10100 + sum(map(ord, self.login))}"


BOT = Account("bot", "712020:approvals-bot", "Approvals Bot", "approvals-bot@example.com")
ALEX = Account("alex", "712020:alex", "Alex Wilber", "alexw@example.com", email_visible=True)
SAM = Account("sam", "712020:sam", "Sam Carter", "samc@example.com")
MEGAN = Account("megan", "712020:megan", "Megan Bowen", "meganb@example.com", "America/New_York")
ADELE = Account("adele", "712020:adele", "Adele Vance", "adelev@example.com")
MALLORY = Account("mallory", "712020:mallory", "Mallory Evil", "mallory@example.com")
"""May comment and move issues like many people in a company, and is nobody to an approval."""

ACCOUNTS = (BOT, ALEX, SAM, MEGAN, ADELE, MALLORY)
PEOPLE = ACCOUNTS[1:]


@dataclass
class Group:
    """A group of accounts; on Data Center its name is all that identifies it."""

    group_id: str
    name: str
    members: list[str]
    """Account ids."""


class Directory:
    """The accounts by everything a request may call them, and their groups."""

    def __init__(self, accounts: tuple[Account, ...] = ACCOUNTS) -> None:
        self._by_id = {account.account_id: account for account in accounts}
        self._by_login = {account.login: account for account in accounts}
        self.inactive: set[str] = set()
        """Account ids of those whom an administrator has deactivated."""
        self.groups = [
            Group("276f955c-63d7-42c8-9520-92d01dca0625", "sales-managers", [ALEX.account_id]),
            Group(
                "6e87dc72-4f1f-421f-9382-2fee8b652487", "everybody", [p.account_id for p in PEOPLE]
            ),
        ]

    def add(self, account: Account, *groups: str) -> None:
        """A new account, in the groups of these names."""
        self._by_id[account.account_id] = self._by_login[account.login] = account
        for group in self.groups:
            if group.name in groups:
                group.members.append(account.account_id)

    def group(self, group_id: str = "", name: str = "") -> Group | None:
        """The group with this id, or name."""
        found = (g for g in self.groups if g.group_id == group_id or g.name == name)
        return next(found, None)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_id.values())

    def get(self, account_id: object) -> Account | None:
        """The account with this id."""
        return self._by_id.get(account_id) if isinstance(account_id, str) else None

    def named(self, login: object) -> Account | None:
        """The account with this Data Center name (ours also in tests: "alex")."""
        return self._by_login.get(login) if isinstance(login, str) else None

    def with_email(self, email: str) -> Account | None:
        """The account with this address, whatever its case."""
        wanted = email.strip().lower()
        return next((found for found in self if found.email == wanted), None)
