"""The Teams app package: it needs no server and no database."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

import countersign
from countersign.approvals.errors import ConfigurationError
from countersign.bot.app_package.manifest import Developer, ManifestError, pack
from countersign.bot.cli.options import ConfigOption, read_part
from countersign.bot.console import console
from countersign.bot.settings.sections import AppPackageSettings
from countersign.bot.settings.sign_in import SignInSettings
from countersign.bot.teams.settings import TeamsSettings
from countersign.connectors.slack.manifest import slack_manifest

manifest = typer.Typer(no_args_is_help=True, help="The apps for Microsoft Teams and Slack.")

_SOURCE = Path(countersign.__file__).parent / "appPackage"


@manifest.command("pack")
def pack_app(
    output: Annotated[Path, typer.Option(help="The zip to write.")] = Path("countersign-teams.zip"),
    bot_id: Annotated[str | None, typer.Option(help="The bot's app id; else teams.app_id.")] = None,
    config: ConfigOption = None,
) -> None:
    """Write the zip to upload to Teams, with the ids of the settings."""
    part = read_part(config)
    teams = part.section("teams", TeamsSettings)
    bot = bot_id or (teams.app_id if teams else "")
    about = part.section("app_package", AppPackageSettings)
    sign_in = part.section("sign_in", SignInSettings)
    public = urlsplit(part.public_url())
    part.require_sound()
    problems = []
    if not bot:
        problems.append("teams.app_id: required (or --bot-id): the app id of the Azure bot.")
    if about is None:
        problems.append(
            "app_package: required: developer_name, website_url, privacy_url, terms_of_use_url."
        )
    if about is None or problems:
        raise ConfigurationError(problems)
    try:
        written = pack(
            _SOURCE,
            output,
            app_id=about.app_id or bot,
            bot_id=bot,
            domain=public.hostname if public.scheme == "https" else None,
            tab_client_id=sign_in.client_id if sign_in and sign_in.teams_tab else None,
            version=installed_version("countersign-approvals"),
            developer=Developer(
                name=about.developer_name,
                website_url=about.website_url,
                privacy_url=about.privacy_url,
                terms_of_use_url=about.terms_of_use_url,
            ),
        )
    except ManifestError as exc:
        raise ConfigurationError(str(exc).splitlines()) from exc
    console.print(f"wrote {written}; upload it in Teams: Apps, Manage your apps, Upload an app")


@manifest.command("slack")
def slack_app(
    url: Annotated[
        str | None, typer.Option(help="Where Slack reaches us; else public_url.")
    ] = None,
    socket: Annotated[bool, typer.Option(help="Socket Mode: Slack need not reach us.")] = False,
    config: ConfigOption = None,
) -> None:
    """Print the app to paste at api.slack.com/apps, "From a manifest"."""
    part = read_part(config)
    address = (url or part.public_url()).rstrip("/")
    part.require_sound()
    if not socket and urlsplit(address).scheme != "https":
        raise ConfigurationError(
            "public_url: Slack calls an https address only; set it, or pass --url or --socket."
        )
    console.print(slack_manifest(address, socket=socket), markup=False, highlight=False)
