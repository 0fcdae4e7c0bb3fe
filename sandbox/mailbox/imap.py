"""The IMAP side: as much of RFC 3501 as a program needs that reads one folder and marks mail."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from countersign.sandbox._serve import explain_bind_error

IMAP_PASSWORD = "sandbox-imap-password"  # noqa: S105 - everybody may know it
_WORDS = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_TIMEOUT_S = 60.0

Kept = Callable[[str], Sequence[tuple[int, bytes]]]
"""The mails of an address, by their numbers."""


class Folder:
    """Which mails were read; whoever signs in with an address reads what was sent there."""

    def __init__(self, kept: Kept):
        self.kept = kept
        self.seen: set[int] = set()


class _Connection:
    def __init__(
        self, folder: Folder, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._folder, self._reader, self._writer = folder, reader, writer
        self._user = ""

    async def serve(self) -> None:
        """Until it says goodbye."""
        self._say("* OK [CAPABILITY IMAP4rev1] Sandbox mailbox")
        while line := await asyncio.wait_for(self._reader.readline(), _TIMEOUT_S):
            words = [a or b for a, b in _WORDS.findall(line.decode("utf-8", "replace").strip())]
            if len(words) < 2:
                continue
            tag, command, rest = words[0], words[1].upper(), words[2:]
            said = self._answer(command, rest)
            self._say(f"{tag} {said}")
            await self._writer.drain()
            if command == "LOGOUT":
                return

    def _answer(self, command: str, rest: list[str]) -> str:
        match command:
            case "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1")
            case "LOGIN":
                if rest[1:] != [IMAP_PASSWORD]:
                    return "NO [AUTHENTICATIONFAILED] Invalid credentials"
                self._user = rest[0].lower()
            case "SELECT" | "EXAMINE":
                self._say(f"* {len(self._mails())} EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)")
            case "UID":
                return self._by_uid(rest[0].upper(), rest[1:])
            case "LOGOUT":
                self._say("* BYE")
            case "NOOP" | "CLOSE" | "EXPUNGE" | "CHECK":
                pass
            case _:
                return f"BAD {command} is not known here"
        return f"OK {command} done"

    def _mails(self) -> Sequence[tuple[int, bytes]]:
        return self._folder.kept(self._user) if self._user else ()

    def _by_uid(self, command: str, rest: list[str]) -> str:
        seen = self._folder.seen
        if command == "SEARCH":
            unseen = any("UNSEEN" in word.upper() for word in rest)
            found = [n for n, _ in self._mails() if not (unseen and n in seen)]
            self._say(" ".join(["* SEARCH", *map(str, found)]))
            return "OK SEARCH done"
        wanted = set(map(int, rest[0].split(",")))
        for position, (number, raw) in enumerate(self._mails(), 1):
            if number not in wanted:
                continue
            if command == "STORE" and any("seen" in word.lower() for word in rest):
                seen.add(number)
            flags = "\\Seen" if number in seen else ""
            head = f"* {position} FETCH (UID {number} FLAGS ({flags}) RFC822.SIZE {len(raw)}"
            if command == "FETCH":
                self._writer.write(f"{head} BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n")
            else:
                self._say(f"{head})")
        return f"OK {command} done"

    def _say(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")


@asynccontextmanager
async def serve_imap(
    folder: Folder, *, host: str, port: int, context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """Listen for IMAP, over TLS if there is a context, and yield the port. Raises
    PortInUseError."""
    open_: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        try:
            await _Connection(folder, reader, writer).serve()
        except (OSError, TimeoutError):
            pass
        finally:
            open_.discard(writer)
            writer.close()

    try:
        server = await asyncio.start_server(connected, host, port, ssl=context)
    except OSError as error:
        raise explain_bind_error(error, host, port) from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(open_):
            writer.transport.abort()
        await server.wait_closed()
