"""The `sign_in` section: what follows from the issuer, and everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from countersign.approvals.errors import ConfigurationError
from countersign.bot.people import directory_of
from countersign.bot.settings.sections import Settings
from countersign.bot.settings.sign_in import SignInSettings
from tests.bot.settings.test_settings import ENVIRON, Document, good, load

TENANT = "11111111-2222-3333-4444-555555555555"
MICROSOFT = f"https://login.microsoftonline.com/{TENANT}/v2.0"
ELSEWHERE = "https://id.example.com/realms/sales"
SECRET = {**ENVIRON, "SIGN_IN_SECRET": "s" * 40}


def with_sign_in(**changes: Any) -> Document:
    section = {"issuer": MICROSOFT, "client_id": "inbox", "client_secret_env": "SIGN_IN_SECRET"}
    return {**good(), "sign_in": {**section, **changes}}


def read(tmp_path: Path, **changes: Any) -> Settings:
    return load(tmp_path, with_sign_in(**changes), SECRET)


def section(tmp_path: Path, **changes: Any) -> SignInSettings:
    found = read(tmp_path, **changes).sign_in
    assert found is not None
    return found


def wrong(tmp_path: Path, **changes: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **changes)
    return [line.partition(" ")[2] for line in caught.value.problems]


def test_an_issuer_of_microsoft_names_its_tenant_and_people_by_object_id(tmp_path: Path) -> None:
    found = section(tmp_path)

    assert ("entra", "oid", TENANT, "Microsoft") == (
        found.identity,
        found.claim,
        found.tenant_id,
        found.name,
    )


def test_any_other_issuer_names_people_by_its_subject(tmp_path: Path) -> None:
    found = section(tmp_path, issuer=ELSEWHERE)

    assert ("oidc", "sub", "id.example.com") == (found.identity, found.claim, found.name)


WRONG = [
    ({"issuer": "http://id.example.com"}, "issuer: must be https"),
    ({"issuer": "id.example.com"}, "issuer: write its https address"),
    ({"issuer": "https://[::1"}, "issuer: write its https address"),
    ({"issuer": f"{ELSEWHERE}?x=1"}, "issuer: take out what is not part of an issuer"),
    ({"issuer": MICROSOFT.replace(TENANT, "common")}, "lets everybody of every tenant in"),
    ({"issuer": MICROSOFT.replace(TENANT, "contoso.com")}, "write the tenant's id (a GUID)"),
    ({"issuer": MICROSOFT + "/"}, "write exactly that"),
    ({"issuer": ELSEWHERE, "identity": "entra"}, "write the tenant's id (a GUID)"),
    ({"claim": "email"}, "claim: email may be changed"),
    ({"claim": "preferred_username"}, "claim: preferred_username may be changed"),
    ({"scopes": ["profile"]}, "scopes: must contain openid"),
    ({"clock_skew": "10m"}, "clock_skew"),
    ({"client_secret_env": "NOT_SET"}, "client_secret_env: the environment variable NOT_SET"),
    ({"client_secret": "plain"}, "client_secret"),
    ({"issuer": ELSEWHERE, "teams_tab": True}, "Teams knows people of Entra only"),
    ({"isuer": "x"}, "did you mean issuer?"),
]


@pytest.mark.parametrize(("changes", "expected"), WRONG, ids=[said for _, said in WRONG])
def test_what_is_wrong_is_said(changes: dict[str, Any], expected: str, tmp_path: Path) -> None:
    found = wrong(tmp_path, **changes)

    assert any(expected in line and "sign_in" in line for line in found), found


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    found = wrong(tmp_path, issuer="nowhere", client_id="", claim="upn", scopes=[])

    assert 4 == len([line for line in found if "sign_in." in line]), found


def test_who_an_issuer_names_is_found_and_keeps_their_case(tmp_path: Path) -> None:
    document = with_sign_in(issuer=ELSEWHERE)
    document["people"][0]["identities"] = {"oidc": "00uAbC", "entra": "ABC"}
    settings = load(tmp_path, document, SECRET)
    found = directory_of(settings).by_identity("oidc", "00uAbC")

    assert found is not None
    assert {"oidc": "00uAbC", "entra": "abc"} == dict(found.identities)


def test_two_people_may_not_differ_in_the_case_of_what_an_issuer_names_them_by(
    tmp_path: Path,
) -> None:
    document = with_sign_in(issuer=ELSEWHERE)
    document["people"][0]["identities"] = {"oidc": "00uABC"}
    document["people"][1]["identities"] = {"oidc": "00uabc"}
    with pytest.raises(ConfigurationError, match="oidc identity 00uabc is given 2 times"):
        load(tmp_path, document, SECRET)
