"""Lines that can be read by machines and people, and that hold no secret."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
import structlog
from pydantic import SecretStr

from countersign.approvals.models import Value
from countersign.bot.observability import logs
from countersign.bot.observability.redaction import HIDDEN, Redactor, secrets_in

SECRET = 'p4ss/word "ü" & more'


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """What a test configures is for that test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_with_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(json_lines=True)
    log = structlog.get_logger("test")
    with structlog.contextvars.bound_contextvars(session_id="S-1", request_id="R-1"):
        log.info("request decided", verdict="approve")
    log.info("alone")
    first, second = lines(capsys)

    assert ("S-1", "R-1", "info") == (first["session_id"], first["request_id"], first["level"])
    assert "approve" == first["verdict"]
    assert str(first["timestamp"]).endswith("Z")
    assert "session_id" not in second


def test_libraries_speak_in_the_same_format_when_something_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(json_lines=True)
    logging.getLogger("library").info("chatter")
    logging.getLogger("library").warning("trouble")
    (line,) = lines(capsys)

    assert ("trouble", "warning") == (line["event"], line["level"])


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_traceback_shows_no_local_variables(
    capsys: pytest.CaptureFixture[str], json_lines: bool
) -> None:
    logs.configure(json_lines=json_lines)
    key_of_somebody = "sk-local-value"
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("test").exception("job failed")
    said = capsys.readouterr().err

    assert "ValueError: broken" in said
    assert key_of_somebody not in said


@pytest.mark.parametrize("json_lines", [True, False])
@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps({"key": SECRET}),
        *(base64.b64encode(f"{user}:{SECRET}".encode()).decode() for user in ("a", "ab", "abc")),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(
    capsys: pytest.CaptureFixture[str], form: str, json_lines: bool
) -> None:
    logs.configure(json_lines=json_lines, redactor=Redactor([SECRET]))
    structlog.get_logger("test").warning("refused", reason=f"got {form} from them")
    logging.getLogger("library").error("got %s", form)
    said = capsys.readouterr().err

    assert form[:-4] not in said
    assert "p4ss" not in said
    assert 2 == said.count(HIDDEN)


def test_credentials_of_a_header_are_hidden_whoever_they_belong_to() -> None:
    line = "sent Authorization: Bearer eyJhbGciOi.J9.abc-_def and Basic dXNlcjpwYXNzd29yZA== there"

    assert f"sent Authorization: Bearer {HIDDEN} and Basic {HIDDEN} there" == Redactor(()).text(
        line
    )


def test_a_secret_in_another_is_hidden_whole() -> None:
    redactor = Redactor(["abcdef", "abcdefghij"])

    assert f"x{HIDDEN}y" == redactor.text("xabcdefghijy")


def test_what_is_too_short_to_be_a_secret_is_left_alone() -> None:
    assert "a local path" == Redactor(["local", ""]).text("a local path")


class Inner(Value):
    """Settings with a secret."""

    key: SecretStr | None = None
    url: str = "http://host"


class Outer(Value):
    """Settings with secrets at every depth."""

    database_url: str
    inner: Inner
    tokens: dict[str, SecretStr]
    several: tuple[Inner, ...]


def test_every_secret_of_the_settings_is_known() -> None:
    settings = Outer(
        database_url="postgresql://user:of-the-database@host/db",
        inner=Inner(key=SecretStr("of-the-inner")),
        tokens={"alex": SecretStr("of-alex")},
        several=(Inner(key=SecretStr("of-one")), Inner()),
    )

    assert sorted(["of-the-database", "of-the-inner", "of-alex", "of-one"]) == sorted(
        secrets_in(settings)
    )


@pytest.mark.parametrize("url", ["sqlite:///./countersign.db", "no url at all"])
def test_a_database_without_a_password_has_no_secret(url: str) -> None:
    settings = Outer(database_url=url, inner=Inner(), tokens={}, several=())

    assert [] == list(secrets_in(settings))


def test_what_is_said_at_each_attempt_is_left_to_our_own_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(json_lines=True)
    pool, other = logging.getLogger("psycopg.pool"), logging.getLogger("psycopg")
    pool.warning("error connecting")
    pool.error("this is new")
    other.warning("so is this")

    assert ["this is new", "so is this"] == [line["event"] for line in lines(capsys)]
