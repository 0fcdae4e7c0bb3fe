"""Addresses of this machine, where nothing that travels can be read by others."""

from __future__ import annotations

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
