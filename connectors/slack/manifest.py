"""The app's manifest with somebody's own address."""

from __future__ import annotations

from pathlib import Path

from countersign.connectors.slack.settings import PATH

_FILE = Path(__file__).with_name("manifest.yaml")
_URL = f"    request_url: https://countersign.example{PATH}\n"
_SOCKET = "  socket_mode_enabled: false"


def slack_manifest(address: str, *, socket: bool = False) -> str:
    """As it is pasted into Slack; with `socket` Slack needs no address."""
    text = _FILE.read_text(encoding="utf-8")
    if socket:
        return text.replace(_URL, "").replace(_SOCKET, "  socket_mode_enabled: true")
    return text.replace(_URL, f"    request_url: {address}{PATH}\n")
