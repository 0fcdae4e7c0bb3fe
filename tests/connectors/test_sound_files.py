"""The quick checks of archives and bundles call nothing sound that a closer look finds wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select

from countersign.approvals.audit import bundles
from countersign.approvals.audit.archives import Kept
from countersign.approvals.audit.private import PrivateRule
from countersign.approvals.audit.sound_links import sound
from countersign.approvals.audit_trail import AuditTrail
from countersign.approvals.errors import RefusedError
from countersign.approvals.jobs.sealing import Sealing
from countersign.approvals.models import JsonObject
from countersign.approvals.store import archive_checks, belongings, ledger
from countersign.approvals.store.exporting import Wanted
from countersign.approvals.store.schema import metadata, sessions
from countersign.approvals.store.sound import OF
from tests.connectors.desk_world import DeskWorld
from tests.connectors.test_columns import lived
from tests.connectors.test_sound import instead
from tests.doubles.receipts import KEY

pytestmark = pytest.mark.asyncio
TABLES = [*OF, "ledger"]
Rows = dict[str, list[dict[str, Any]]]


def in_file(connection: Connection) -> list[tuple[Kept, Rows]]:
    """Every session, as an archive file has it."""
    found = []
    for session_id in connection.execute(select(sessions.c.id)).scalars():
        rows = json.loads(json.dumps(belongings.read(connection, session_id)))
        entries, head = ledger.head(connection, session_id)
        end: dict[str, Any] = {"entries": entries, "head": head, "sha256": "", "requests": ()}
        found.append((Kept(session=session_id, position=0, path=(), **end), rows))
    return found


def changed(rows: Rows) -> Iterator[str]:
    """Each change of a column, of the first and the last row of each table, while it lasts."""
    for table in TABLES:
        kept = rows.get(table, [])
        for row in [*kept[:1], *kept[1:][-1:]]:
            for name, before in list(row.items()):
                for value in instead(metadata.tables[table].c[name], before):
                    row[name] = value
                    yield f"{table}.{name}: {value!r}"
                row[name] = before
                del row[name]
                yield f"{table}.{name} is gone"
                row[name] = before
                row["more"] = before
                yield f"{table} has more"
                del row["more"]
    for table in list(rows):
        kept = rows[table]
        for other in (kept[1:], kept[:-1], kept[::-1], [*kept, kept[0]], [None], None):
            rows[table] = other  # type: ignore[assignment]
            yield f"{table}: {other!r}"
        rows[table] = kept


async def test_what_is_quickly_called_sound_in_an_archive_is_sound(world: DeskWorld) -> None:
    """And all that was written by this release is quickly called so."""
    await lived(world)
    found = await world.store.read(in_file)
    tried, missed = 0, []
    for kept, rows in found:
        assert archive_checks.is_sound(kept, rows), kept
        assert archive_checks.closer(kept, rows).verified
    for kept, rows in sorted(found, key=lambda each: -len(each[1]))[:4]:
        others = [
            kept.model_copy(update=u)
            for u in ({"session": "S-2"}, {"entries": kept.entries - 1}, {"head": "0" * 64})
        ]
        for other in others:
            assert not archive_checks.is_sound(other, rows)
        for what in changed(rows):
            tried += 1
            if archive_checks.is_sound(kept, rows) and archive_checks.closer(kept, rows).problems:
                missed.append(what)

    assert tried > 2_000
    assert [] == missed


def spoilt(links: list[JsonObject]) -> Iterator[str]:
    """Each change of a text in a bundle, while it lasts."""
    for at in {0, len(links) // 2, len(links) - 1}:
        link = links[at]
        for name, before in list(link.items()):
            if isinstance(before, str):
                others = [
                    *instead(sessions.c.id, before),
                    f'{before[:-1]}\u00fc"',
                    before * 2,
                    "{}",
                ]
                for end in (before[1:], before[:-1], before.replace('"v":2', '"v":2,"w":3')):
                    others.append(end)
            else:
                own = {p: {**of, "value": f"{of['value']} "} for p, of in before.items()}
                salt = {p: {**of, "salt": ""} for p, of in before.items()}
                others = [{}, None, own, salt, {**before, "/x": {"salt": "", "value": "1"}}]
            for value in others:
                link[name] = value
                yield f"{name}: {value!r}"
            del link[name]
            yield f"{name} is gone"
            link[name] = before
        link["more"] = "x"
        yield "more"
        del link["more"]
    whole = list(links)
    for other in (whole[1:], whole[:-1], whole[::-1], [*whole, whole[-1]], []):
        links[:] = other
        yield f"{len(other)} of {len(whole)}"
    links[:] = whole


def looked(session_id: str, links: list[JsonObject]) -> Any:
    try:
        return bundles.closer(session_id, links)
    except (RefusedError, ValueError, KeyError, TypeError, AttributeError, IndexError) as exc:
        return exc


async def test_what_is_quickly_called_sound_in_a_bundle_is_sound(world: DeskWorld) -> None:
    """With the same figures; all that this release writes is quickly called so, redacted or not."""
    rule = PrivateRule(id="all", arguments=("*",), words=True, results=True)
    await lived(world)
    world.domain = world.composed(handoff=world.handoff, private=[rule])
    world.records, world.approvals = world.domain.records, world.domain.approvals
    world.runs = world.domain.runs
    for n in (1, 2):
        run = await world.begun()
        quote = world.proposal(run.session.id, "quote", {"customer": f"Contoso {n}"})
        await world.submit(run, quote, world.proposal(run.session.id, "look", {"n": n}))
    sealing = Sealing(world.store, world.clock, KEY)
    await sealing.seal()
    trails = [AuditTrail(world.store, world.records, sealing, private=p) for p in ((), (rule,))]
    made = [await trail.bundle(Wanted()) for trail in trails]
    made.append(await trails[0].bundle(Wanted(), bodies=False))
    tried, missed = 0, []
    for bundle in made:
        for part in bundle["chains"]:
            quick = sound(part["session"], part["entries"])
            assert quick is not None, part["session"]
            assert quick == looked(part["session"], part["entries"])
        for part in sorted(bundle["chains"], key=lambda each: -len(each["entries"]))[:3]:
            assert sound("S-2", part["entries"]) is None
            for what in spoilt(part["entries"]):
                tried += 1
                quick = sound(part["session"], part["entries"])
                if quick is not None and quick != looked(part["session"], part["entries"]):
                    missed.append(what)

    assert tried > 300
    assert [] == missed
    assert bundles.verify(made[1], [KEY.verifier]).fields > 0
