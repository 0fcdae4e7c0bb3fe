"""The people of the tenant, with the names and ids of the Microsoft 365 Agents Playground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TENANT_ID = "00000000-0000-0000-0000-0000000000001"
"""As the Playground writes it, with one digit more than a GUID has."""


@dataclass(frozen=True)
class Person:
    """A user of the tenant as Teams describes one to a bot."""

    id: str
    name: str
    aad_object_id: str
    email: str

    def account(self) -> dict[str, Any]:
        """`from` and `membersAdded` entries."""
        return {"id": self.id, "name": self.name, "aadObjectId": self.aad_object_id}

    def member(self, tenant_id: str) -> dict[str, Any]:
        """An entry of the roster.

        Source: Teams documentation, "Get Teams specific context for your bot".
        """
        given_name, _, surname = self.name.partition(" ")
        return {
            "id": self.id,
            "name": self.name,
            "objectId": self.aad_object_id,
            "aadObjectId": self.aad_object_id,
            "givenName": given_name,
            "surname": surname,
            "email": self.email,
            "userPrincipalName": self.email,
            "tenantId": tenant_id,
            "userRole": "user",
        }


def _person(number: int, name: str, login: str) -> Person:
    return Person(
        f"user-id-{number}",
        name,
        f"00000000-0000-0000-0000-00000000000{20 + number}",
        f"{login}@example.com",
    )


PEOPLE = (
    _person(0, "Alex Wilber", "alexw"),
    _person(1, "Megan Bowen", "meganb"),
    _person(2, "Adele Vance", "adelev"),
    _person(3, "Isaiah Langer", "u3"),
    _person(4, "Patti Fernandez", "u4"),
    _person(5, "Lynne Robbins", "u5"),
)
