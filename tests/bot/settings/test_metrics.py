"""The token for metrics comes from the environment, and a weak one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.bot.settings.sections import Mode
from tests.bot.settings.test_settings import ENVIRON, good, load

LONG = "a-long-enough-random-scraper-token"


def test_without_the_section_there_is_no_token(tmp_path: Path) -> None:
    assert load(tmp_path, good()).metrics_token is None


def test_the_token_is_read_from_the_variable(tmp_path: Path) -> None:
    document = {**good(), "metrics": {"token_env": "SCRAPER"}}
    settings = load(tmp_path, document, {**ENVIRON, "SCRAPER": LONG})

    assert settings.metrics_token is not None
    assert LONG == settings.metrics_token.get_secret_value()
    assert LONG not in repr(settings)


@pytest.mark.parametrize(
    ("section", "environ", "expected"),
    [
        ({"token_env": "SCRAPER"}, {}, r"metrics\.token_env: .*SCRAPER is not set"),
        (
            {"token_env": "SCRAPER"},
            {"SCRAPER": "short"},
            r"token_env: it is shorter than 20",
        ),
        ({"token": LONG}, {}, r"metrics\.token: secrets never stand here"),
        ({"token_env": "not a name"}, {}, r"metrics\.token_env: "),
        ([], {}, "metrics: "),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, section: object, environ: dict[str, str], expected: str
) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        load(tmp_path, {**good(), "metrics": section}, {**ENVIRON, **environ})


def test_on_one_s_own_machine_a_short_token_will_do(tmp_path: Path) -> None:
    document = {**good(), "metrics": {"token_env": "SCRAPER"}}
    settings = load(tmp_path, document, {**ENVIRON, "SCRAPER": "short"}, mode=Mode.LOCAL)

    assert settings.metrics_token is not None
