"""Preallocation of SQLite's write-ahead log.

A commit that makes the log longer has the file system write its own records as well: about twice
the CPU and the waiting of one that writes over old content (docs/adr/0010-prepared-statements.md).
SQLite keeps the file at its length once it was copied into the database, so only the first round
would pay; a server whose log is given its full length at start-up never does.
"""

from __future__ import annotations

import os
from pathlib import Path

FRAME_BYTES = 4096 + 24
_CHUNK = bytes(1 << 20)


def make_room(database: Path, *, pages: int) -> None:
    """Write zeros behind the end of the log. Hold the write lock of the database meanwhile.

    Zeros are not content: a frame counts only if its salt and checksum are right and its page
    number is not 0. Source: https://www.sqlite.org/fileformat2.html#walformat (read 2026-11-25).
    Raises OSError, for example where the disk is full.
    """
    with database.with_name(database.name + "-wal").open("r+b") as log:
        missing = pages * FRAME_BYTES - log.seek(0, os.SEEK_END)
        while missing > 0:
            missing -= log.write(_CHUNK[:missing])
        log.flush()
        os.fsync(log.fileno())
