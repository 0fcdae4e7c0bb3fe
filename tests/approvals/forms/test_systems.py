"""Systems are called as their descriptors say."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from countersign.approvals.errors import ConfigurationError
from countersign.approvals.forms.systems import Named, declare, identity_kind, system_words
from countersign.approvals.models import Via


def test_system_is_called_as_it_was_declared() -> None:
    declare("pager_7", Named(words="the pager", identity="badge"))

    assert "the pager" == system_words("pager_7")
    assert "badge" == identity_kind("pager_7")


def test_ways_of_ours_have_words_and_know_everybody() -> None:
    assert "the API" == system_words(Via.API)
    assert "" == identity_kind("api")


def test_system_that_is_gone_keeps_its_name() -> None:
    assert "carrier_pigeon" == system_words("carrier_pigeon")
    assert "" == identity_kind("carrier_pigeon")


@pytest.mark.parametrize("name", ["api", "cli", "policy", "clock"])
def test_no_system_takes_a_name_of_ours(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot be named {name}"):
        declare(name, Named(words="x"))


@pytest.mark.parametrize("name", ["", "Slack", "2fa", "a b", "a" * 21, "teams\n", "e-mail"])
def test_what_can_be_no_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="no name of a system"):
        TypeAdapter(Via).validate_python(name)


def test_name_of_a_system_is_text_in_json() -> None:
    kind = TypeAdapter(Via)

    assert b'"slack"' == kind.dump_json(kind.validate_json('"slack"'))
    assert "string" == kind.json_schema()["type"]
