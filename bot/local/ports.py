"""The ports of `countersign run`: those of the configuration, or free ones for what is in use."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from countersign.approvals.errors import ConfigurationError
from countersign.bot.settings.sections import DEFAULT_HOST, DEFAULT_PORT
from countersign.connectors.addresses import LOOPBACK

Moved = Mapping[int, int]
"""From the port that the configuration names to the one that is taken instead."""


def server_port(chosen: int | None) -> int:
    """The one that was asked for, else the usual one, else a free one.

    Raises ConfigurationError if the one that was asked for is in use.
    """
    if chosen is None:
        return DEFAULT_PORT if is_free(DEFAULT_PORT) else free_port()
    if not is_free(chosen):
        raise ConfigurationError(
            [f"--port {chosen}: is in use on {DEFAULT_HOST}; without --port a free one is taken."]
        )
    return chosen


def moved_ports(wanted: Iterable[int], server: int) -> Moved:
    """Another port for each of these that is in use, and where the server is."""
    moved = {port: free_port() for port in wanted if not is_free(port)}
    return moved if server == DEFAULT_PORT else {**moved, DEFAULT_PORT: server}


def moving(moved: Moved) -> Callable[[dict[str, Any]], None]:
    """Changes a configuration so that everything in it that names a moved port names the new one:
    addresses on this machine, and numbers whose key ends in `port`."""

    def adjust(document: dict[str, Any]) -> None:
        if DEFAULT_PORT in moved:
            document.setdefault("public_url", f"http://{DEFAULT_HOST}:{DEFAULT_PORT}")
        document.update({key: _moved(value, key, moved) for key, value in document.items()})

    return adjust


def _moved(value: Any, key: str, moved: Moved) -> Any:
    if isinstance(value, dict):
        return {name: _moved(inner, str(name), moved) for name, inner in value.items()}
    if isinstance(value, list):
        return [_moved(inner, key, moved) for inner in value]
    if isinstance(value, str):
        port = port_of(value)
        new = None if port is None else moved.get(port)
        return value if new is None else value.replace(f":{port}", f":{new}", 1)
    is_port = isinstance(value, int) and key.endswith("port")
    return moved.get(value, value) if is_port else value


def port_of(address: str | None) -> int | None:
    """Of an address on this machine; None for any other text."""
    try:
        parts = urlsplit(address or "")
        return parts.port if parts.hostname in LOOPBACK else None
    except ValueError:
        return None


def as_options(moved: Moved) -> list[str]:
    """For the command that starts the server."""
    return [text for old, new in moved.items() for text in ("--moved", f"{old}={new}")]


def from_options(options: Sequence[str]) -> Moved:
    """What `as_options` was given."""
    pairs = (option.split("=") for option in options)
    return {int(old): int(new) for old, new in pairs}


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((DEFAULT_HOST, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((DEFAULT_HOST, 0))
        return int(probe.getsockname()[1])
