"""What the channel answers when it does not do what it was asked."""

from __future__ import annotations


class ConnectorError(Exception):
    """The channel answered with an error status. Never leaves `adapter`."""

    def __init__(self, status: int, code: str, retry_after_s: float | None) -> None:
        super().__init__(f"status {status} {code}".strip())
        self.status, self.code, self.retry_after_s = status, code, retry_after_s
