"""The sealing key: from a variable or a file, and in local mode beside the database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from countersign.approvals.audit.cosignatures import witness_key
from countersign.approvals.audit.notes import SigningKey
from countersign.bot.settings.ledger import LedgerSettings
from countersign.bot.settings.ledger_keys import ledger_key, local_ledger_key

KEY = SigningKey.new("gate.example/ledger")


def test_without_a_key_nobody_signs() -> None:
    assert ledger_key(None, {}) is None
    assert ledger_key(LedgerSettings(), {}) is None


def test_the_key_is_in_a_variable_or_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")

    for found in (
        ledger_key(None, {"COUNTERSIGN_LEDGER_KEY": str(KEY)}),
        ledger_key(LedgerSettings(key_env="MINE"), {"MINE": str(KEY)}),
        ledger_key(LedgerSettings(key_file=file), {}),
    ):
        assert isinstance(found, SecretStr)
        assert str(KEY) == found.get_secret_value()


@pytest.mark.parametrize(
    ("section", "why"),
    [
        (LedgerSettings(key_env="MINE"), "ledger.key_env: .*MINE.* is not set"),
        (LedgerSettings(key_env="BAD"), "ledger.key_env: BAD: It is no sealing key"),
        (LedgerSettings(key_file=Path("none")), "ledger.key_file: none cannot be read"),
        (LedgerSettings(key_env="A", key_file=Path("none")), "not by both"),
    ],
)
def test_what_is_wrong_is_said_and_no_key_is_shown(section: LedgerSettings, why: str) -> None:
    found = ledger_key(section, {"BAD": "PRIVATE+KEY+secret"})

    assert isinstance(found, str)
    assert "secret" not in found
    assert re.search(why, found), found


def test_the_local_key_outlives_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/countersign.db"
    key = local_ledger_key(url)

    assert key == local_ledger_key(url)
    (tmp_path / "countersign.db.ledger-key").write_text("no key")
    assert local_ledger_key(url) is None
    with capture_logs() as said:
        assert local_ledger_key("postgresql://localhost/x") is None
    assert "countersign ledger keygen" in said[0]["fix"]


def test_rules_of_what_is_private() -> None:
    private = [{"id": "mail", "tool": "send", "arguments": ["to"]}, {"id": "all", "words": True}]
    found = LedgerSettings.model_validate({"private": private}).private_rules

    assert [("send",), ("*",)] == [rule.tools for rule in found]
    for wrong, why in (
        ([{"id": "mail"}], "say what is private"),
        ([*private, private[0]], "an id of its own"),
        ([{"id": "Mail", "words": True}], "pattern"),
    ):
        with pytest.raises(ValidationError, match=why):
            LedgerSettings.model_validate({"private": wrong})


def test_witnesses_and_authorities_are_said_with_where_they_are() -> None:
    key = str(witness_key(KEY))
    other = str(witness_key(SigningKey.new("other.example/w")))
    url = "https://w.example/"
    found = LedgerSettings.model_validate(
        {
            "witnesses": [{"key": key, "url": url}, {"key": other, "url": url}],
            "quorum": 2,
            "timestamps": [{"url": "http://tsa.example/tsr", "roots": "roots.pem"}],
        }
    )
    assert ("https://w.example", 2) == (found.witnesses[0].url, found.quorum)
    for section, why in (
        ({"witnesses": [{"key": str(KEY.verifier), "url": url}]}, "witness's public key"),
        ({"witnesses": [{"key": key, "url": "w.example"}]}, "must be a URL"),
        ({"witnesses": [{"key": key, "url": url}] * 2}, "twice"),
        ({"witnesses": [{"key": key, "url": url}], "quorum": 2}, "quorum: is 2, of 1"),
        ({"timestamps": [{"url": "ftp://x", "roots": "r"}]}, "must be a URL"),
    ):
        with pytest.raises(ValidationError, match=why):
            LedgerSettings.model_validate(section)
