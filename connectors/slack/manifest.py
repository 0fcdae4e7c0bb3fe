"""The app's manifest with somebody's own address."""

from __future__ import annotations

from pathlib import Path

from countersign.connectors.slack.settings import PATH

_FILE = Path(__file__).with_name("manifest.yaml")
_OURS = f"https://countersign.example{PATH}"
_SOCKET = "  socket_mode_enabled: false"


def slack_manifest(address: str, *, socket: bool = False) -> str:
    """As it is pasted into Slack; with `socket` Slack needs no address."""
    text = _FILE.read_text(encoding="utf-8")
    if socket:
        kept = [line for line in text.splitlines(keepends=True) if _OURS not in line]
        return "".join(kept).replace(_SOCKET, "  socket_mode_enabled: true")
    return text.replace(_OURS, f"{address}{PATH}")
