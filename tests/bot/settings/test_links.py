"""The key that signs links comes from the environment; one's own machine makes one."""

from __future__ import annotations

from pathlib import Path

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.bot.clock import SystemClock
from countersign.bot.settings.keys import pages_url, read_links
from countersign.bot.settings.links import DEFAULT_KEY, local_key
from countersign.bot.settings.sections import Mode, Settings
from tests.bot.settings.test_settings import ENVIRON, good, load

WITHOUT = {name: value for name, value in ENVIRON.items() if name != DEFAULT_KEY}
LONG = "0123456789abcdef0123456789abcdef"


def local(tmp_path: Path) -> Settings:
    settings = load(tmp_path, good(), mode=Mode.LOCAL)
    return settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/countersign.db"})


@pytest.mark.parametrize(
    ("section", "variable"), [({}, DEFAULT_KEY), ({"links": {"key_env": "MINE"}}, "MINE")]
)
def test_key_is_read_from_the_variable_and_does_not_show(
    tmp_path: Path, section: dict[str, object], variable: str
) -> None:
    settings = load(tmp_path, {**good(), **section}, {**ENVIRON, variable: LONG})

    assert settings.link_key is not None
    assert LONG == settings.link_key.get_secret_value()
    assert LONG not in repr(settings)
    assert read_links(settings, SystemClock()) is not None


def test_production_does_not_start_without_a_key(tmp_path: Path) -> None:
    """What does not fit on a card could be approved by nobody who sees the card."""
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, good(), environ=WITHOUT)
    (problem,) = caught.value.problems
    said = problem.partition(": ")[2]
    without = load(tmp_path, good()).model_copy(update={"link_key": None})

    assert said.startswith(f"links.key_env: the environment variable {DEFAULT_KEY} is not set")
    assert "export a random key, for example from `openssl rand -hex 32`" in said
    assert read_links(without, SystemClock()) is None


def test_pages_are_linked_where_somebody_can_sign_in(tmp_path: Path) -> None:
    here = local(tmp_path)

    assert ["", here.public_url.rstrip("/")] == [pages_url(load(tmp_path, good())), pages_url(here)]


@pytest.mark.parametrize(
    ("section", "environ", "expected"),
    [
        ({"key_env": "MINE"}, {}, r"links\.key_env: .*MINE is not set"),
        ({}, {}, rf"links\.key_env: .*{DEFAULT_KEY} is not set"),
        ({"key_env": "MINE"}, {"MINE": "short"}, "MINE is shorter than 32 bytes"),
        (None, {DEFAULT_KEY: "short"}, f"{DEFAULT_KEY} is shorter than 32 bytes"),
        ({"key": LONG}, {}, r"links\.key: unknown key"),
        ({"key_env": "not a name"}, {}, r"links\.key_env: "),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path, section: object, environ: dict[str, str], expected: str
) -> None:
    document = good() if section is None else {**good(), "links": section}
    with pytest.raises(ConfigurationError, match=expected):
        load(tmp_path, document, {**WITHOUT, **environ})


def test_local_mode_makes_a_key_that_outlives_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/countersign.db"
    key, again = local_key(url), local_key(url)
    kept = tmp_path / "countersign.db.link-key"

    assert key == again
    assert 32 == len(key)
    assert 0o600 == kept.stat().st_mode & 0o777
    assert key != local_key(f"sqlite:///{tmp_path}/other.db")
    assert read_links(local(tmp_path), SystemClock()) is not None


def test_key_that_cannot_be_kept_is_a_new_one(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("short", "wrong")]
    (tmp_path / "short.db.link-key").write_text("00")
    (tmp_path / "wrong.db.link-key").write_text("no key")
    for url in (*urls, "postgresql://nowhere/none", f"sqlite:///{tmp_path}/missing/x.db"):
        assert local_key(url) != local_key(url)
