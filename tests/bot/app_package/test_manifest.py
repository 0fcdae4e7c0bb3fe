"""The Teams app package: what is committed can be uploaded, and what is broken is refused."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.bot.app_package.manifest import (
    Developer,
    ManifestError,
    fill,
    manifest_problems,
    pack,
)
from countersign.bot.app_package.rules import _ADVICE
from countersign.bot.settings.sections import AppPackageSettings
from countersign.bot.teams.settings import TeamsSettings

SOURCE = Path(__file__).parents[3] / "appPackage"
APP_ID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
BOT_ID = "0d5c2b6e-7a41-4f0c-9d3e-52a1f6f0b8c7"
CONTOSO = Developer(
    name="Contoso",
    website_url="https://contoso.com",
    privacy_url="https://contoso.com/privacy",
    terms_of_use_url="https://contoso.com/terms",
)
COMMANDS = ["help", "workflows", "pending", "status", "cancel"]


def make(source: Path, target: Path, **changes: Any) -> Path:
    arguments: dict[str, Any] = {
        "app_id": APP_ID,
        "bot_id": BOT_ID,
        "domain": "approvals.contoso.com",
        "version": "1.2.3",
        "developer": CONTOSO,
    }
    return pack(source, target, **(arguments | changes))


def problems_of(call: Callable[[], object]) -> dict[str, str]:
    with pytest.raises(ManifestError) as caught:
        call()
    assert all(f"{path}: {text}" in str(caught.value) for path, text in caught.value.problems)
    return dict(caught.value.problems)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the committed folder, for a test to break."""
    return Path(shutil.copytree(SOURCE, tmp_path / "appPackage"))


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    """The committed manifest with its placeholders filled."""
    with zipfile.ZipFile(make(SOURCE, tmp_path / "app.zip")) as package:
        filled: dict[str, Any] = json.loads(package.read("manifest.json"))
    return filled


def test_committed_folder_gives_exactly_manifest_and_icons(tmp_path: Path) -> None:
    target = tmp_path / "out" / "app.zip"

    assert target == make(SOURCE, target)
    with zipfile.ZipFile(target) as package:
        assert ["manifest.json", "color.png", "outline.png"] == package.namelist()
        assert package.testzip() is None
        assert (SOURCE / "color.png").read_bytes() == package.read("color.png")
        assert b"{{" not in package.read("manifest.json")
    assert [target] == list(target.parent.iterdir())


def test_values_land_in_their_places(manifest: dict[str, Any]) -> None:
    assert [] == manifest_problems(manifest)
    assert (APP_ID, "1.2.3") == (manifest["id"], manifest["version"])
    assert ["approvals.contoso.com"] == manifest["validDomains"]
    assert "https://contoso.com/terms" == manifest["developer"]["termsOfUseUrl"]
    (bot,) = manifest["bots"]
    assert BOT_ID == bot["botId"]
    assert ["personal", "team", "groupChat"] == bot["scopes"]
    assert COMMANDS == [command["title"] for command in bot["commandLists"][0]["commands"]]


def test_bot_asks_for_no_resource_specific_consent(manifest: dict[str, Any]) -> None:
    """Reading all messages of a channel would need it; the bot reads only what mentions it."""
    assert "authorization" not in manifest
    assert ["identity", "messageTeamMembers"] == manifest["permissions"]


def test_with_an_application_to_sign_in_by_the_inbox_is_a_tab(tmp_path: Path) -> None:
    client = "1b9b9d2e-5d3b-4f9e-9a1d-2f3c4d5e6f70"
    with zipfile.ZipFile(make(SOURCE, tmp_path / "app.zip", tab_client_id=client)) as package:
        filled = json.loads(package.read("manifest.json"))
    target = tmp_path / "nowhere.zip"
    with zipfile.ZipFile(make(SOURCE, target, tab_client_id=client, domain=None)) as package:
        nowhere = json.loads(package.read("manifest.json"))
    _, tab = filled["staticTabs"]

    assert [] == manifest_problems(filled)
    assert "https://approvals.contoso.com/inbox/teams" == tab["contentUrl"]
    assert {"id": client, "resource": f"api://approvals.contoso.com/{client}"} == (
        filled["webApplicationInfo"]
    )
    assert "staticTabs" not in nowhere


def test_without_one_there_is_no_tab(manifest: dict[str, Any]) -> None:
    assert not {"staticTabs", "webApplicationInfo"} & set(manifest)


def test_no_domain_leaves_the_list_empty(tmp_path: Path) -> None:
    with zipfile.ZipFile(make(SOURCE, tmp_path / "app.zip", domain=None)) as package:
        assert [] == json.loads(package.read("manifest.json"))["validDomains"]


def test_same_input_gives_the_same_bytes(tmp_path: Path, source: Path) -> None:
    (source / "manifest.json").touch()
    first, second = make(SOURCE, tmp_path / "1.zip"), make(source, tmp_path / "2.zip")

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    "value", ["", "my-bot", "{{BOT_ID}}", "00000000-0000-0000-0000-000000000000"]
)
@pytest.mark.parametrize(("argument", "path"), [("app_id", "id"), ("bot_id", "bots[0].botId")])
def test_id_that_is_no_real_guid_is_refused(
    argument: str, path: str, value: str, tmp_path: Path
) -> None:
    problems = problems_of(lambda: make(SOURCE, tmp_path / "app.zip", **{argument: value}))

    assert [path] == list(problems)
    assert "teams.app_id" in problems[path]
    assert "in countersign.yaml" in problems[path]
    assert not (tmp_path / "app.zip").exists()


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"version": "1.0.0.dev1"}, "version", "MAJOR.MINOR.PATCH"),
        ({"version": "1.0.0\n"}, "version", "MAJOR.MINOR.PATCH"),
        ({"domain": "https://contoso.com/bot"}, "validDomains[0]", "only the public one"),
        ({"domain": "*.ngrok.io"}, "validDomains[0]", "is no host name"),
        ({"domain": "localhost"}, "validDomains[0]", "is no host name"),
        ({"domain": ""}, "validDomains[0]", "is no host name"),
    ],
)
def test_version_and_domain_are_checked(
    change: dict[str, str], path: str, says: str, tmp_path: Path
) -> None:
    problems = problems_of(lambda: make(SOURCE, tmp_path / "app.zip", **change))

    assert [path] == list(problems)
    assert says in problems[path]


def test_every_problem_is_told_at_once(tmp_path: Path, source: Path) -> None:
    developer = Developer(
        name="C" * 33, website_url="http://contoso.com", privacy_url="", terms_of_use_url="contoso"
    )
    (source / "outline.png").unlink()
    (source / "color.png").write_bytes(b"GIF89a")
    problems = problems_of(lambda: make(source, tmp_path / "a.zip", bot_id="", developer=developer))

    assert {
        "outline.png",
        "color.png",
        "bots[0].botId",
        "developer.name",
        "developer.websiteUrl",
        "developer.privacyUrl",
        "developer.termsOfUseUrl",
    } == set(problems)
    assert "set app_package.privacy_url in countersign.yaml" in problems["developer.privacyUrl"]


def test_only_settings_that_exist_are_advised() -> None:
    """Whoever follows the advice must not be told next that the key is unknown."""
    sections: dict[str, Any] = {"app_package": AppPackageSettings, "teams": TeamsSettings}
    advised = [key for text in _ADVICE.values() for key in re.findall(r"[a-z_]+\.[a-z_.]+", text)]

    assert advised
    for path in set(advised) - {"countersign.yaml"}:
        section, _, key = path.partition(".")
        assert key in sections[section].model_fields


def _edit(manifest: dict[str, Any], edit: Callable[[dict[str, Any]], object]) -> dict[str, str]:
    edit(manifest)
    return dict(manifest_problems(manifest))


@pytest.mark.parametrize(
    ("edit", "path", "says"),
    [
        (lambda m: m["bots"][0]["scopes"].append("chat"), "bots[0].scopes[3]", '"chat" is not one'),
        (lambda m: m["bots"][0]["scopes"].clear(), "bots[0].scopes", "is empty"),
        (lambda m: m["bots"][0].update(colour=1), "bots[0].colour", "remove it"),
        (lambda m: m["bots"][0].pop("botId"), "bots[0].botId", "is missing; set teams.app_id"),
        (lambda m: m.pop("name"), "name", "is missing"),
        (lambda m: m["name"].update(short="x" * 31), "name.short", "longer than 30"),
        (lambda m: m["description"].update(short="x" * 81), "description.short", "longer than 80"),
        (lambda m: m.update(manifestVersion="1.16"), "manifestVersion", 'is not "1.25"'),
        (lambda m: m.update(accentColor="indigo"), "accentColor", "right form"),
        (lambda m: m.update(bots={}), "bots", "is not of type 'array'"),
        (lambda m: m.pop("bots"), "bots", "names no bot"),
        (lambda m: m["bots"].append(m["bots"][0]), "bots", "more than 1 entries"),
        (lambda m: m.pop("supportsChannelFeatures"), "supportsChannelFeatures", '"tier1"'),
        (
            lambda m: m.update(supportedChannelTypes=["sharedChannels"]),
            "supportedChannelTypes",
            "1.25",
        ),
        (lambda m: m["name"].update(full="{{TITLE}}"), "name.full", "{{TITLE}} is not filled in"),
    ],
)
def test_manifest_that_teams_would_refuse_is_refused(
    edit: Callable[[dict[str, Any]], object], path: str, says: str, manifest: dict[str, Any]
) -> None:
    problems = _edit(manifest, edit)

    assert [path] == list(problems)
    assert says in problems[path]


@pytest.mark.parametrize("value", [None, [], 7, "text"])
def test_manifest_that_is_no_object_is_refused(value: object) -> None:
    assert ["manifest.json"] == [path for path, _ in manifest_problems(value)]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_manifest_that_is_not_json_is_refused(content: bytes, source: Path, tmp_path: Path) -> None:
    (source / "manifest.json").write_bytes(content)
    problems = problems_of(lambda: make(source, tmp_path / "app.zip"))

    assert "is not JSON" in problems["manifest.json"]


def test_icon_that_is_not_packed_is_refused(source: Path, tmp_path: Path) -> None:
    path = source / "manifest.json"
    icons = {"color": "logo.png", "outline": "outline.png", "color32x32": "small.png"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"icons": icons}))
    problems = problems_of(lambda: make(source, tmp_path / "app.zip"))

    assert {
        "icons.color": '"logo.png" is not packed; write "color.png"',
        "icons.color32x32": '"small.png" is not packed; remove it',
    } == problems


def test_icons_of_the_wrong_type_are_refused_once(source: Path, tmp_path: Path) -> None:
    path = source / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"icons": "color.png"}))
    problems = problems_of(lambda: make(source, tmp_path / "app.zip"))

    assert ["icons"] == list(problems)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    problems = problems_of(lambda: make(tmp_path / "nowhere", tmp_path / "app.zip"))

    assert ["manifest.json", "color.png", "outline.png"] == list(problems)
    assert all(str(tmp_path / "nowhere") in text for text in problems.values())


def test_unwritable_target_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "app.zip"
    target.mkdir()
    problems = problems_of(lambda: make(SOURCE, target))

    assert [str(target)] == list(problems)
    assert [target] == list(tmp_path.iterdir())


def test_values_cannot_change_the_structure() -> None:
    filled = fill({"a": ["{{X}}", "{{Y}}", "{{X}}-{{Z}}"]}, {"X": '"],"b":["', "Y": None})

    assert {"a": ['"],"b":["', '"],"b":["-{{Z}}']} == filled
