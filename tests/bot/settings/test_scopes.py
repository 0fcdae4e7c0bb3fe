"""Roles for some calls only, and domains, as they stand in the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.models import Domain, Scope
from countersign.bot.people import directory_of
from tests.bot.settings.test_settings import good, load, problems


def document(*roles: Any, **domains: Any) -> dict[str, Any]:
    """A configuration with roles for Sam, and domains."""
    found = good()
    found["people"][1]["roles"] = list(roles)
    found["policy"]["domains"] = domains or {"finance": {"tools": ["send"]}}
    return found


def test_roles_are_held_for_all_calls_or_for_some(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        document(
            "auditor",
            {"role": "manager", "domains": ["finance"]},
            {"role": "manager", "tools": ["send"], "agents": ["seller"]},
            {"role": "auditor", "workflows": ["sales"]},
        ),
    )
    people = directory_of(settings).people()
    sam = people.by_id("sam")

    assert sam is not None
    assert {"auditor", "manager"} == sam.roles
    assert {
        "manager": (
            Scope(domains=frozenset({"finance"})),
            Scope(tools=frozenset({"send"}), agents=frozenset({"seller"})),
        )
    } == sam.scopes
    assert {"finance": Domain(tools=frozenset({"send"}))} == people.domains


@pytest.mark.parametrize(
    ("role", "says"),
    [
        ({"role": "manager", "domains": ["finanze"]}, "no domain finanze; did you mean finance?"),
        ({"role": "manager", "tool": ["send"]}, "people.1"),
        ({"role": "manager", "tools": []}, "people.1"),
        ({"domains": ["finance"]}, "people.1"),
    ],
)
def test_each_problem_is_named(tmp_path: Path, role: dict[str, Any], says: str) -> None:
    assert says in problems(tmp_path, document(role))


def test_a_domain_that_is_read_has_to_be_there(tmp_path: Path) -> None:
    found = document("auditor")
    found["people"][1]["domains"] = ["marketing"]

    assert "people.1: there is no domain marketing" in problems(tmp_path, found)


def test_a_domain_names_tools_and_workflows(tmp_path: Path) -> None:
    said = problems(tmp_path, document("auditor", finance={"tool": ["send"]}))

    assert "policy.domains.finance.tool" in said


def test_domains_are_part_of_the_version_of_a_policy(tmp_path: Path) -> None:
    one = load(tmp_path, document("auditor")).policy
    other = load(tmp_path, document("auditor", finance={"workflows": ["sales"]})).policy

    assert one.version != other.version
    assert one.version != load(tmp_path, good()).policy.version


def test_domains_of_a_policy_that_takes_its_place_count_at_once(tmp_path: Path) -> None:
    settings = load(tmp_path, document("auditor"))
    domains: dict[str, Domain] = {}
    directory = directory_of(settings, lambda: domains)
    before = directory.people()
    domains = {"hr": Domain()}

    assert {} == before.domains
    assert domains == directory.people().domains
    assert before.by_id("sam") == directory.people().by_id("sam")
