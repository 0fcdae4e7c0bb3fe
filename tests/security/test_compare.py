"""No secret is compared by `==`: how long that takes says how much of it was right."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("agents", "approvals", "bot", "connectors")
_SECRET = re.compile(
    r"(^|[_-])(token|secret|password|passwd|signature|mac|hmac|api_key|authorization|credential)s?($|[_-])",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(^execution_token$|_env|_count|_type|_limit|_chars|_bytes|_length|_url)$", re.IGNORECASE
)
KNOWN = frozenset(
    {
        # Which token of the two that we hold ourselves was refused.
        ("connectors/servicenow/oauth.py", "self._token == refused"),
        # Where the next page of a search begins.
        ("connectors/jira/client.py", "token == before"),
        # Whether a header was sent at all.
        ("connectors/asana/webhook.py", "SIGNATURE in given"),
        # The name of a public issuer.
        (
            "bot/teams/auth.py",
            "claims.get('iss') != AuthenticationConstants.TO_BOT_FROM_CHANNEL_TOKEN_ISSUER",
        ),
        # The row of a hash: how long the database looks for it says nothing of the token.
        ("approvals/store/mail.py", "mail_links.c.token_hash == _hash(token)"),
        # Names of the ways in which an issuer takes our own secret.
        ("bot/sign_in/flow.py", "_POST in metadata.token_endpoint_auth_methods_supported"),
        # Names of keys in the file.
        ("bot/settings/people.py", "key not in TOKEN_KEYS"),
        ("connectors/secrets.py", "k not in of_secrets"),
        # Our own secrets at start, against those everybody knows.
        ("bot/settings/production.py", "secret.get_secret_value() in WELL_KNOWN"),
    }
)
"""Looked at one by one; nobody who calls us has a hand in any of them."""


def names(node: ast.expr) -> Iterator[str]:
    """What an operand is called, through attributes, calls and indexing."""
    match node:
        case ast.Name(id=name):
            yield name
        case ast.Attribute(value=inner, attr=name):
            yield name
            if name in {
                "get_secret_value",
                "lower",
                "strip",
                "encode",
                "hexdigest",
                "digest",
                "new",
            }:
                yield from names(inner)
        case ast.Call(func=function):
            yield from names(function)
        case ast.Subscript(value=inner, slice=key):
            yield from names(inner)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def suspicious(tree: ast.AST) -> Iterator[ast.Compare]:
    """Comparisons of what is called like a secret with anything but a constant."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        if not any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops):
            continue
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        called = [name for side in sides for name in names(side)]
        if any(_SECRET.search(name) and not _HARMLESS.search(name) for name in called):
            yield node


def found_in(path: Path) -> Iterator[tuple[str, str]]:
    for node in suspicious(ast.parse(path.read_text())):
        yield str(path.relative_to(ROOT)), ast.unparse(node)


def test_secrets_are_compared_in_constant_time() -> None:
    files = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    found = {each for path in files for each in found_in(path)}

    assert len(files) > 80
    assert KNOWN == found & KNOWN, "an exception that is not needed any more"
    assert set() == found - KNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token == given", 1),
        ("self._tokens[who].get_secret_value() != given", 1),
        ("headers['x-signature'] == expected", 1),
        ("mac.hexdigest() == given", 1),
        ("hmac.new(k, b, h).hexdigest() == given", 1),
        ("given in secrets", 1),
        ("token == ''", 0),
        ("hmac.compare_digest(token, given)", 0),
        ("token_env == name", 0),
        ("request.digest == click.digest", 0),
    ],
)
def test_search_finds_what_it_should(text: str, expected: int) -> None:
    assert expected == len(list(suspicious(ast.parse(text))))


@pytest.mark.parametrize(
    "path", ["bot/people.py", "connectors/jira/webhook.py", "connectors/servicenow/webhook.py"]
)
def test_whoever_checks_a_secret_of_a_caller_uses_the_library(path: str) -> None:
    assert "hmac.compare_digest(" in (ROOT / path).read_text()
