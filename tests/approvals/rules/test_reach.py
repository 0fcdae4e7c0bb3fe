"""Who cannot be asked where a rule asks: channels know people by identities of theirs."""

from __future__ import annotations

from countersign.approvals.models import Principal, PrincipalId
from countersign.approvals.rules.reach import strangers

KNOWN = Principal(
    id=PrincipalId("ben"), name="Ben", roles=frozenset({"manager"}), identities={"jira": "acc-1"}
)
STRANGER = Principal(
    id=PrincipalId("cara"), name="Cara", roles=frozenset({"manager"}), identities={}
)


def test_people_without_an_identity_are_named_if_the_others_are_too_few() -> None:
    assert (STRANGER,) == strangers(("jira",), (KNOWN, STRANGER), 2)
    assert () == strangers(("jira",), (KNOWN, STRANGER), 1)


def test_one_channel_that_knows_a_person_is_enough() -> None:
    assert () == strangers(("teams", "jira"), (KNOWN,), 1)
    assert (KNOWN,) == strangers(("teams", "servicenow"), (KNOWN,), 1)


def test_a_channel_without_identities_of_its_own_knows_everybody() -> None:
    assert () == strangers(("jira", "elsewhere"), (STRANGER,), 1)
