"""Secrets come from the variables that the file names, and every problem has its key's path."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from countersign.connectors.secrets import EnvSecret, EnvSecrets, Reading, Section, named

ENVIRON = {"TOKEN": " one ", "OLD": "two", "BLANK": " "}


class Settings(Section):
    """A section of anybody's."""

    token: EnvSecret = named("token")
    webhook_secrets: EnvSecrets = named("webhook_secret", "webhook_secrets", default=())


def read(raw: dict[str, Any], *, local: bool = False) -> Settings:
    return Settings.model_validate(raw, context=Reading(ENVIRON, local))


def wrong(raw: dict[str, Any], *, local: bool = False) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        read(raw, local=local)
    errors = caught.value.errors()
    return [(".".join(map(str, e["loc"])), e["msg"].removeprefix("Value error, ")) for e in errors]


def test_variables_are_looked_up() -> None:
    one = read({"token_env": "TOKEN", "webhook_secret_env": "OLD"})
    two = read({"token_env": "TOKEN", "webhook_secret_env": ["TOKEN", "OLD"]})

    assert "one" == one.token.get_secret_value()
    assert ["two"] == [secret.get_secret_value() for secret in one.webhook_secrets]
    assert ["one", "two"] == [secret.get_secret_value() for secret in two.webhook_secrets]


def test_every_variable_that_is_missing_is_named_at_once() -> None:
    found = wrong({"token_env": "BLANK", "webhook_secret_env": ["TOKEN", "NONE"]})

    assert [
        ("token_env", "the environment variable BLANK is not set; export it."),
        ("webhook_secret_env.1", "the environment variable NONE is not set; export it."),
    ] == found


def test_missing_secret_is_missing_under_its_key_in_the_file() -> None:
    assert "token_env" == wrong({})[0][0]


def test_value_itself_is_for_local_mode() -> None:
    raw = {"token": "literal-7", "webhook_secret": ["literal-8", "literal-9"]}
    found = wrong(raw)
    local = read(raw, local=True)

    assert ["token", "webhook_secret.0", "webhook_secret.1"] == [path for path, _ in found]
    assert all("secrets never stand here" in said for _, said in found)
    assert "literal" not in str(found)
    assert "literal-7" == local.token.get_secret_value()
    assert ["literal-8", "literal-9"] == [s.get_secret_value() for s in local.webhook_secrets]


def test_value_that_stands_where_a_name_belongs_is_not_repeated() -> None:
    """Somebody has taken the key for that of the secret."""
    ((path, said),) = wrong({"token_env": "sk-live 7"})

    assert "token_env" == path
    assert "write the name of an environment variable" in said
    assert "sk-live" not in said


def test_code_gives_values() -> None:
    assert "x" == Settings.model_validate({"token": "x"}).token.get_secret_value()


@pytest.mark.parametrize("local", [True, False])
def test_key_with_nothing_behind_it_gives_no_secret(local: bool) -> None:
    """And not one that is the word None."""
    found = read({"token_env": "TOKEN", "webhook_secret": None}, local=local)

    assert () == found.webhook_secrets
    assert [("token_env", "Field required")] == wrong({"token": None}, local=local)


@pytest.mark.parametrize("literal", [7, True, {"a": "hunter2"}, [], " "])
def test_value_that_is_no_text_is_no_secret(literal: Any) -> None:
    ((path, said),) = wrong({"token": literal}, local=True)

    assert "token" == path
    assert said.startswith("write text")
    assert "hunter2" not in said


def test_secret_that_could_be_the_name_of_a_variable_is_not_repeated() -> None:
    ((_, said),) = wrong({"token_env": "ghp_s3cr3tAbCdEf"})

    assert "the environment variable that is named here is not set; export it." == said
