"""`countersign doctor`: what is configured, whether it works, and what to do if not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import typer

from countersign.approvals.errors import ConfigurationError, CountersignError
from countersign.approvals.forms.wording import visible
from countersign.approvals.outages import named
from countersign.approvals.store import open_reader
from countersign.approvals.store.conversations import blocked
from countersign.approvals.store.deliveries import out_of_reach
from countersign.approvals.store.session_lists import live_versions
from countersign.approvals.store.urls import is_postgresql, shown, sqlite_path
from countersign.bot.cli import notary_checks
from countersign.bot.cli.options import ConfigOption
from countersign.bot.clock import SystemClock
from countersign.bot.console import console
from countersign.bot.directories import open_sources
from countersign.bot.no_database import NoConversations, NoStore
from countersign.bot.people import SettingsDirectory
from countersign.bot.policy.check import Examined, examine, placed
from countersign.bot.settings.sections import DEFAULT_HOST, ModelSettings, Settings
from countersign.connectors.system import Configured, Deployment

PROBE_TIMEOUT_S = 10.0
Check = Callable[[Settings], Awaitable[str]]


def doctor(config: ConfigOption = None) -> None:
    """Check every configured system; exit status 1 if something needs fixing."""
    examined = examine(config, complete=True)
    settings = examined.settings
    for problem in examined.problems:
        _line(False, "configuration", problem)
    if settings is not None and not examined.problems:
        _line(True, "configuration", f"{settings.source} ({settings.mode})")
    _policy(examined)
    if settings is None:
        raise typer.Exit(1)
    asyncio.run(_out_of_reach(settings))
    checks = OF_DATABASE if examined.problems else OF_DATABASE | OF_SECRETS
    results = [examined.is_sound]
    results += [asyncio.run(_run(name, check, settings)) for name, check in checks.items()]
    results.append(asyncio.run(_run("sessions", partial(_sessions, examined), settings)))
    if not examined.problems:
        results += _notaries(settings)
        results.append(asyncio.run(_directories(settings)))
        results += [asyncio.run(_system(each, settings)) for each in settings.systems]
    if not all(results):
        raise typer.Exit(1)


async def _run(name: str, check: Check, settings: Settings) -> bool:
    try:
        said = await check(settings)
    except CountersignError as exc:
        _line(False, name, str(exc))
        return False
    except Exception as exc:  # the next check may well find the cause
        _line(False, name, _unforeseen(exc))
        return False
    _line(True, name, said)
    return True


async def _system(each: Configured, settings: Settings) -> bool:
    """Open the system as the server does, and print what it finds of itself."""
    words = each.system.words
    if not each.is_used(local=settings.local):
        _line(True, words, "not used: nobody is asked there, and it lets nobody in")
        return True
    deployment = Deployment(
        clock=SystemClock(),
        store=NoStore(),
        directory=SettingsDirectory(settings.people),
        conversations=NoConversations(),
        links=None,
        local=settings.local,
        host=DEFAULT_HOST,
        approvers=settings.approvers_in(each.system),
        public_url=settings.public_url,
    )
    try:
        async with each.open(deployment) as opened:
            results = await opened.check()
    except CountersignError as exc:
        _line(False, words, str(exc))
        return False
    except Exception as exc:  # as above
        _line(False, words, _unforeseen(exc))
        return False
    for result in results:
        _line(result.ok, f"{words}, {result.name}", visible(result.said))
    return all(result.ok for result in results)


def _notaries(settings: Settings) -> list[bool]:
    """Ask the witnesses and time-stamping authorities, if there are any."""
    results = []
    for each in notary_checks.found(settings.ledger):
        _line(each.ok, each.name, visible(each.said))
        results.append(each.ok)
    return results


async def _directories(settings: Settings) -> bool:
    """Ask each directory whether we may read it."""
    well = True
    async with open_sources(settings, SystemClock()) as sources:
        for source in sources:
            name = f"directory, {source.words}"
            try:
                results = await source.check()
            except CountersignError as exc:
                _line(False, name, visible(str(exc)))
                well = False
                continue
            for result in results:
                _line(result.ok, f"{name}, {result.name}", visible(result.said))
                well = well and result.ok
    return well


def _unforeseen(error: Exception) -> str:
    return (
        f"this check failed in a way that is not foreseen ({named(error)}); try again, and look "
        "into the system that it is about"
    )


def _line(ok: bool | None, name: str, text: str) -> None:
    """`ok` is None for what may be meant so."""
    mark = {True: "[green]ok [/]", False: "[bold red]FIX[/]", None: "[yellow]note[/]"}[ok]
    console.print(f"{mark} [bold]{name}[/]: ", end="")
    console.print(text, markup=False, highlight=False, soft_wrap=True)


async def _database(settings: Settings) -> str:
    url = settings.database_url
    if not is_postgresql(url) and not sqlite_path(url).exists():
        return f"{shown(url)} does not exist yet; the server creates it"
    async with open_reader(url):
        return f"{shown(url)} is readable and on the current schema"


async def _out_of_reach(settings: Settings) -> None:
    """Who cannot be reached, as notes: people, not the configuration, undo that."""
    try:
        async with open_reader(settings.database_url) as reader:
            closed, waiting = await reader.read(lambda c: (blocked(c), out_of_reach(c)))
    except CountersignError:  # the check of the database says it
        return
    for why, count in waiting.items():
        _line(None, "out of reach", f"{visible(why)} Requests that wait for it: {count}")
    people = SettingsDirectory(settings.people)
    for chat in closed:
        person = people.by_id(chat.principal_id) if chat.principal_id else None
        who = visible(person.name) if person else f"A {chat.kind} conversation ({chat.key})"
        since = f"{chat.blocked_at:%Y-%m-%d %H:%M} UTC"
        _line(None, "out of reach", f"{who}, since {since}: {chat.blocked_reason}")


async def _sessions(examined: Examined, settings: Settings) -> str:
    """Whether every session that is not over has its workflow, in the version it began on."""
    url = settings.database_url
    if not is_postgresql(url) and not sqlite_path(url).exists():
        return "there are none yet"
    async with open_reader(url) as reader:
        live = await reader.read(live_versions)
    problems = [
        f"{count} of {workflow}, version {version}, cannot go on: this configuration "
        f"{_has(examined.versions.get(workflow))}. Bring that version back, or cancel them and "
        "start new ones; their approvals lapse meanwhile."
        for workflow, version, count in live
        if version not in examined.versions.get(workflow, ())
    ]
    if problems:
        raise ConfigurationError(problems)
    return f"{sum(count for _, _, count in live)} not over, each with its workflow"


def _has(versions: Sequence[str] | None) -> str:
    return f"has version {versions[0]}" if versions else "has no workflow of that name"


async def _model(settings: Settings) -> str:
    import httpx  # as in `bot.cli.actions`

    model = settings.model
    url, headers = _probe(model)
    try:
        async with httpx.AsyncClient(timeout=PROBE_TIMEOUT_S) as client:
            response = await client.get(url, headers=headers)
    except httpx.HTTPError as exc:
        raise ConfigurationError(
            [f"{model.provider} at {url} cannot be reached ({exc}); check model.base_url."]
        ) from exc
    if response.status_code in (401, 403):
        raise ConfigurationError([f"{url} refuses the key; check the variable that holds it."])
    if not response.is_success:  # also whoever sends us elsewhere: the key does not go along
        raise ConfigurationError([f"{url} answers {response.status_code}; check model.base_url."])
    return f"{model.provider} at {url} answers and takes the key"


def _probe(model: ModelSettings) -> tuple[str, dict[str, str]]:
    key = model.api_key.get_secret_value()
    if model.provider == "azure":
        url = f"{model.base_url}/openai/models?api-version={model.api_version}"
        return url, {"api-key": key}
    base_url = model.base_url or "https://api.openai.com/v1"
    return f"{base_url}/models", {"Authorization": f"Bearer {key}"}


def _policy(examined: Examined) -> None:
    for problem in examined.workflows:
        _line(False, "workflows", problem.removeprefix("workflows: "))
    if examined.settings is not None and not examined.workflows:
        _line(True, "workflows", ", ".join(examined.versions))
    for found in examined.findings:
        _line(False if found.is_error else None, "policy", placed(examined, str(found)))


async def _links(settings: Settings) -> str:
    if settings.link_key is not None:
        return f"the page for what does not fit on a card is at {settings.public_url}/read/"
    return "local mode keeps a key for the page beside the database"


async def _sign_in(settings: Settings) -> str:
    from countersign.bot.sign_in.opening import open_flow  # as in `bot.cli.actions`
    from countersign.bot.sign_in.way import CALLBACK

    async with open_flow(settings.sign_in, settings.public_url, SystemClock()) as flow:
        if flow is None and settings.local:
            return "no issuer is configured; in local mode people choose who they are"
        if flow is None:
            return "no issuer is configured, so nobody can sign in to the inbox"
        await flow.issuer.check()
        callback = f"{settings.public_url}{CALLBACK}"
        return f"{flow.issuer.settings.issuer} answers; its redirect URI for us is {callback}"


OF_DATABASE: dict[str, Check] = {"database": _database}
"""For which the configuration need not be sound."""
OF_SECRETS: dict[str, Check] = {"model": _model, "links": _links, "sign-in": _sign_in}
