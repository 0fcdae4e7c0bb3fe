"""The log of effects that stand-ins share."""

from __future__ import annotations

from typing import Any

import pytest

from countersign.sandbox._effects import SCHEMA, Effects, RefusedError
from countersign.sandbox._files import open_database


def test_change_that_is_refused_half_way_leaves_nothing() -> None:
    db = open_database(None, SCHEMA + "CREATE TABLE things (name TEXT);")
    log = Effects(db)

    def half_made() -> dict[str, Any]:
        db.execute("INSERT INTO things VALUES ('one')")
        raise RefusedError(409, "full", "There is no room.")

    with pytest.raises(RefusedError):
        log.write("make", {}, "key", half_made)
    things = db.execute("SELECT * FROM things").fetchall()
    again = log.write("make", {}, "key", lambda: {"made": True})
    written = log.all()
    db.close()

    assert [] == things
    assert (201, {"made": True}, False) == again
    assert 1 == len(written)
