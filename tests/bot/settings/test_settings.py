"""Every wrong setting is named with its path and the fix, all of them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.approvals.errors import ConfigurationError
from countersign.bot.observability.redaction import secrets_in
from countersign.bot.people import SettingsDirectory, Tokens
from countersign.bot.settings.file import load_settings, process_settings
from countersign.bot.settings.sections import (
    Mode,
    PersonSettings,
    ProcessSettings,
    Settings,
)
from countersign.bot.settings.yaml import parse
from countersign.bot.teams.settings import TeamsSettings
from countersign.connectors.system import System

REPOSITORY = Path(__file__).parents[3]
Document = dict[str, Any]


def good() -> Document:
    """A small production configuration."""
    return {
        "people": [
            {
                "id": "alex",
                "name": "Alex Wilber",
                "roles": ["manager"],
                "identities": {"entra": "AAAA-1", "email": "Alex@Example.com"},
                "token_env": "TOKEN_ALEX",
            },
            {"id": "sam", "name": "Sam Carter"},
        ],
        "teams": {
            "app_id": "11111111-2222-3333-4444-555555555555",
            "tenant_id": "22222222-2222-3333-4444-555555555555",
            "app_password_env": "BOT_SECRET",
        },
        "model": {"provider": "openai", "name": "gpt-4o-mini"},
        "workflows": {"modules": ["some.module"], "settings": {"key": {"env": "CRM_KEY"}}},
        "policy": {"tools": {"send": {"effect": "require_approval", "roles": ["manager"]}}},
    }


ENVIRON = {
    "TOKEN_ALEX": "a-long-enough-random-token",
    "BOT_SECRET": "bot-secret",
    "OPENAI_API_KEY": "sk-1",
    "CRM_KEY": "crm-secret",
    "COUNTERSIGN_LINK_KEY": "links-are-signed-with-these-bytes",
}


def load(
    tmp_path: Path,
    document: Document | str,
    environ: dict[str, str] | None = None,
    mode: Mode = Mode.PRODUCTION,
    database_url: str = "sqlite:///./x.db",
    systems: Sequence[System[Any]] | None = None,
    **more: Any,
) -> Settings:
    path = tmp_path / "countersign.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    process = ProcessSettings(env=mode, database_url=database_url, **more)
    environ = ENVIRON if environ is None else environ
    return load_settings(path, process=process, environ=environ, systems=systems)


def problems(tmp_path: Path, document: Document | str, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, document, **options)
    return "\n".join(caught.value.problems)


def test_good_settings_load(tmp_path: Path) -> None:
    settings = load(tmp_path, good())
    teams = settings.section(TeamsSettings)

    assert settings.tokens["alex"].get_secret_value() == "a-long-enough-random-token"
    assert teams is not None
    assert teams.app_password.get_secret_value() == "bot-secret"
    assert settings.model.api_key.get_secret_value() == "sk-1"
    assert [p.id for p in settings.people] == ["alex", "sam"]
    assert settings.workflow_settings == {"key": "crm-secret"}
    assert "send" in settings.policy.tools


def test_secrets_do_not_show(tmp_path: Path) -> None:
    shown = repr(load(tmp_path, good()))

    assert not [value for value in ENVIRON.values() if value in shown]


def test_every_secret_is_hidden_in_the_log(tmp_path: Path) -> None:
    """Those of systems, too, whatever they are wrapped in."""
    auth = {"kind": "basic", "user": "bot", "password_env": "DESK_PASSWORD"}
    desk = {
        "url": "https://desk.example.com",
        "table": "change_request",
        "auth": auth,
        "webhook_secret_env": ["HOOK", "NEXT_HOOK"],
    }
    document = good() | {
        "connectors": {"servicenow": desk},
        "metrics": {"token_env": "SCRAPER"},
        "links": {"key_env": "KEY"},
    }
    names = ("DESK_PASSWORD", "HOOK", "NEXT_HOOK", "SCRAPER", "KEY")
    environ = {**ENVIRON, **{name: f"secret-of-{name}".ljust(40, "-") for name in names}}
    del environ["COUNTERSIGN_LINK_KEY"]  # it has another name here

    assert set(environ.values()) == set(secrets_in(load(tmp_path, document, environ)))


def set_at(path: str, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *parents, last = path.split(".")
        target: Any = document
        for key in parents:
            target = target[int(key)] if isinstance(target, list) else target[key]
        target[last] = value

    return change


def drop(path: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *parents, last = path.split(".")
        target: Any = document
        for key in parents:
            target = target[int(key)] if isinstance(target, list) else target[key]
        del target[last]

    return change


TABLE: list[tuple[Callable[[Document], None], str]] = [
    (drop("people"), "people: list at least one person"),
    (set_at("people", "alex"), "people: list at least one person"),
    (drop("people.0.name"), "people.0.name: is missing; add it"),
    (set_at("people.0.rolls", []), "people.0.rolls: unknown key"),
    (set_at("people.0.id", "Alex Wilber"), "people.0.id: is not of the form ^[a-z0-9]"),
    (set_at("people.0.identities", {"icq": "1"}), "people.0.identities.icq"),
    (set_at("people.1.id", "alex"), "people: the id alex is given 2 times"),
    (
        set_at("people.1.identities", {"entra": "aaaa-1"}),
        "people: the entra identity aaaa-1 is given 2 times",
    ),
    (set_at("people.1.token", "literal"), "people.1.token: secrets never stand here"),
    (set_at("people.0.token", "literal"), "people.0.token: secrets never stand here"),
    (
        set_at("people.1.token_env", "TOKEN_SAM"),
        "people.1.token_env: the environment variable TOKEN_SAM is not set; export it",
    ),
    (set_at("people.1.token_env", "TOKEN_ALEX"), "people: two people have the same token"),
    (set_at("people.1.token_env", "OPENAI_API_KEY"), "is shorter than 20 characters"),
    (
        set_at("people.1.token_env", "not a name"),
        "people.1.token_env: write the name of an environment variable",
    ),
    (set_at("teams.app_id", "bot"), "teams.app_id"),
    (set_at("teams.app_password", "x"), "teams.app_password: secrets never stand here"),
    (
        set_at("teams.app_password_env", "NOT_SET"),
        "teams.app_password_env: the environment variable NOT_SET is not set",
    ),
    (set_at("teams.tenant", "x"), "teams.tenant: unknown key"),
    (set_at("teams", []), "teams: write a mapping of keys to values"),
    (set_at("teams.local_approver", "nobody"), "teams.local_approver: nobody in people has the id"),
    (set_at("model.provider", "llama"), "model.provider"),
    (set_at("model.api_key_env", "NOT_SET"), "the environment variable NOT_SET is not set"),
    (set_at("model", {"provider": "scripted"}), "the scripted model is for local mode"),
    (set_at("model", {"provider": "azure"}), "AZURE_OPENAI_API_KEY is not set"),
    (drop("workflows"), "workflows.modules: name at least one"),
    (drop("workflows.modules"), "workflows.modules: name at least one"),
    (set_at("workflows.modules", ["a-b"]), "workflows.modules.0: is not of the form"),
    (set_at("workflows.settings.key.env", "NOT_SET"), "workflows.settings.key: the environment"),
    (drop("policy"), "policy: must be a mapping with `tools`"),
    (set_at("policy.tools.send", "perhaps"), "policy.tools.send"),
    (set_at("policy.tools.send.roles", []), "require_approval needs roles"),
    (set_at("policy.tools.send.deadline", "soon"), "'soon' is not a duration"),
    (set_at("people.0.rols", []), "people.0.rols: unknown key; did you mean roles?"),
    (set_at("teams.tennant_id", "x"), "teams.tennant_id: unknown key; did you mean tenant_id?"),
    (set_at("limits", {"votes": {"at_onc": 1}}), "at_onc: unknown key; did you mean at_once?"),
    (set_at("limits", {"wait": 8}), "limits.wait: 8 has no unit; write for example 30s"),
    (set_at("people.0.roles", "manager"), "people.0.roles: write a list, for example [one]"),
    (
        set_at("policy.tools.send.roles", ["chief"]),
        "policy.tools.send: needs 1 of chief, but people",
    ),
    (set_at("public_url", "nowhere"), "public_url"),
    (set_at("polices", {}), "polices: unknown section"),
]


@pytest.mark.parametrize(("change", "expected"), TABLE, ids=[text[:45] for _, text in TABLE])
def test_each_problem_is_named(
    tmp_path: Path, change: Callable[[Document], None], expected: str
) -> None:
    document = good()
    change(document)

    assert expected in problems(tmp_path, document)


def test_all_problems_come_together(tmp_path: Path) -> None:
    document = good()
    document["people"][0]["rolls"] = []
    document["model"]["provider"] = "llama"
    document["policy"]["tools"]["send"] = "perhaps"
    document["typo"] = 1

    found = problems(tmp_path, document)

    assert all(
        path in found for path in ("people.0.rolls", "model.provider", "policy.tools.send", "typo")
    )


def test_secret_stands_there_once(tmp_path: Path) -> None:
    document = good()
    document["people"][0]["token"] = "literal"

    said = problems(tmp_path, document, mode=Mode.LOCAL)

    assert "people.0: give either token_env or token, not both" in said
    assert "literal" not in said.replace("people.0", "")


def test_no_model_key_names_the_variable(tmp_path: Path) -> None:
    found = problems(tmp_path, good(), environ={**ENVIRON, "OPENAI_API_KEY": " "})

    assert "OPENAI_API_KEY is not set; export your key" in found


def test_auto_without_any_key_names_both_ways(tmp_path: Path) -> None:
    document = good() | {"model": {}}
    environ = {k: v for k, v in ENVIRON.items() if k != "OPENAI_API_KEY"}

    found = problems(tmp_path, document, environ=environ)

    assert "export OPENAI_API_KEY, or AZURE_OPENAI_API_KEY and AZURE_OPENAI_ENDPOINT" in found


@pytest.mark.parametrize(
    ("extra", "provider", "base_url"),
    [
        ({}, "scripted", "http://127.0.0.1:8801/v1"),
        ({"OPENAI_API_KEY": "sk-1"}, "openai", None),
        (
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com"},
            "azure",
            "https://x.openai.azure.com",
        ),
    ],
)
def test_auto_takes_what_is_there(
    tmp_path: Path, extra: dict[str, str], provider: str, base_url: str | None
) -> None:
    document = good() | {"model": {"base_url": "http://127.0.0.1:8801/v1"}}
    environ = {k: v for k, v in ENVIRON.items() if k != "OPENAI_API_KEY"} | extra

    model = load(tmp_path, document, environ=environ, mode=Mode.LOCAL).model

    assert (model.provider, model.base_url) == (provider, base_url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("people: [", "is not valid YAML"),
        ("- a list", "must be a mapping"),
        ("policy:\n  tools: {a: allow}\npolicy: {}\n", "the key 'policy' is given twice"),
        ("policy:\n  tools:\n    send: deny\n    send: allow\n", "the key 'send' is given twice"),
        ("a: &a {x: 1}\nb: {<<: *a}\n", "<< is not read; write the keys themselves"),
        ("quorum: 010\n", "010 is 8 in YAML, which reads it in base 8; write 8, or quotes"),
        ("hard: -0_17\n", "-0_17 is -15 in YAML"),
        ('reason: "a\\0b"\n', "a text has the character '\\x00', which nobody can read"),
        ('reason: "\\ud800"\n', "a text has the character '\\ud800'"),
        ('"\\e[2J": 1\n', "a text has the character '\\x1b'"),
        (f"a: {'[' * 5000}", "is nested too deep to be read"),
        ("a: &a [*a]\n", "found unconstructable recursive node"),
    ],
)
def test_unreadable_files_are_named(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_numbers_and_texts_that_are_what_they_look_like_are_read(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("a: [10, 0, 0x1f, 1_000, 0.10, '010', \"x\\ty\\n\", 22:00]\n")

    assert {"a": [10, 0, 31, 1000, 0.1, "010", "x\ty\n", 1320]} == parse(file)


def test_a_missing_file_names_both_ways_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--config FILE or set COUNTERSIGN_CONFIG"):
        load_settings(tmp_path / "none.yaml", process=ProcessSettings())


def test_an_unknown_database_is_refused(tmp_path: Path) -> None:
    found = problems(tmp_path, good(), database_url="mysql://user:secret@db/x")

    assert "COUNTERSIGN_DATABASE_URL: mysql:… is not supported" in found
    assert "secret" not in found


def test_a_postgresql_database_is_taken(tmp_path: Path) -> None:
    settings = load(tmp_path, good(), database_url="postgresql://db/x?sslmode=require")

    assert "postgresql://db/x?sslmode=require" == settings.database_url


def test_the_environment_is_production_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("COUNTERSIGN_")]:
        monkeypatch.delenv(name)

    assert process_settings().env is Mode.PRODUCTION


def test_a_wrong_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_ENV", "staging")

    with pytest.raises(ConfigurationError, match="COUNTERSIGN_ENV: write "):
        process_settings()


def test_the_shipped_file_is_valid_in_local_mode() -> None:
    settings = load_settings(
        REPOSITORY / "countersign.yaml", process=ProcessSettings(env=Mode.LOCAL), environ={}
    )

    assert set(settings.workflow_modules) == {
        "countersign.examples.sales_quote",
        "countersign.examples.crm_update",
        "countersign.examples.it_change",
    }
    assert [each.name for each in settings.systems] == ["teams", "jira", "servicenow"]
    assert settings.model.provider == "scripted"


def test_the_shipped_file_is_refused_in_production() -> None:
    """Its literal tokens must not open a server that others can reach."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(REPOSITORY / "countersign.yaml", process=ProcessSettings(), environ={})

    assert "people.0.token: secrets never stand here" in str(caught.value)


def test_account_whose_name_only_looks_the_same_in_lower_case_is_somebody_else() -> None:
    karl = PersonSettings(id="karl", name="Karl", identities={"servicenow": "Karl"})
    directory = SettingsDirectory([karl])

    assert karl.principal() == directory.by_identity("servicenow", "KARL")
    assert directory.by_identity("servicenow", "\u212aarl") is None
    assert directory.by_identity("servicenow", "karl\u00a0") is None


def test_people_are_found_by_identity_role_and_token(tmp_path: Path) -> None:
    settings = load(tmp_path, good())
    directory, tokens = SettingsDirectory(settings.people), Tokens(settings.tokens)

    alex = directory.by_id("alex")
    assert alex is not None
    assert directory.by_identity("entra", " AAAA-1 ") == alex
    assert directory.by_identity("email", "alex@example.com") == alex
    assert directory.by_identity("jira", "aaaa-1") is None
    assert directory.with_roles(["manager", "chief"]) == [alex]
    assert tokens.owner("a-long-enough-random-token") == "alex"
    assert tokens.owner("a-long-enough-random-toke") is None
    assert tokens.owner("") is None


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "change",
    [
        set_at("model.api_key_env", "sk-hunter2"),
        set_at("model.api_key_env", "sk_hunter2"),
        set_at("model", {"api_key_env": "hunter2"}),
        set_at("links", {"key_env": "hunter2-x"}),
        set_at("links", {"key_env": "hunter2"}),
        set_at("connectors", {"jira": {"auth": {"kind": "basicc", "token": "hunter2"}}}),
        set_at("connectors", {"jira": {"auth": ["hunter2"]}}),
        set_at("connectors", {"jira": [{"token": "hunter2"}]}),
        set_at("workflows.settings.key", {"env": "hunter2"}),
    ],
)
def test_no_problem_repeats_what_may_be_a_secret(
    tmp_path: Path, change: Callable[[Document], None], mode: Mode
) -> None:
    document = good()
    change(document)

    assert "hunter2" not in problems(tmp_path, document, mode=mode)


def test_rules_count_people_whose_token_is_missing(tmp_path: Path) -> None:
    """That nobody could approve is not said where one variable is to be exported."""
    found = problems(tmp_path, good(), environ={**ENVIRON, "TOKEN_ALEX": ""})

    assert "TOKEN_ALEX is not set" in found
    assert "nobody could approve it" not in found


def test_token_with_nothing_behind_it_is_nobody_s(tmp_path: Path) -> None:
    document = good()
    document["people"][1]["token"] = None

    assert ["alex"] == list(load(tmp_path, document, mode=Mode.LOCAL).tokens)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (
            {"rejects": {"needed": 2}},
            "policy.tools.send.rejects.needed: 2 rejections of manager are never reached, as "
            "people has 1 with such a role; write at most 1.",
        ),
        (
            {"edits": {"second_person_above": "args.amount > 5"}},
            "policy.tools.send.edits.second_person_above: a changed call would need 2 of manager, "
            "but people has 1 with such a role; nobody could approve it.",
        ),
        (
            {"edits": {"without_editor_above": "args.amount > 5"}},
            "policy.tools.send.edits.without_editor_above: a call that one of manager has changed "
            "would need another one of them, but people has 1 with such a role; nobody could",
        ),
    ],
)
def test_numbers_that_so_few_people_never_come_to(
    tmp_path: Path, rule: Document, says: str
) -> None:
    document = good()
    document["policy"]["tools"]["send"].update(rule)
    alone = problems(tmp_path, document)
    document["people"][1] |= {"roles": ["manager"], "identities": {"entra": "AAAA-2"}}

    assert says in alone
    load(tmp_path, document)
