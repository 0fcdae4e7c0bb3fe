"""Canonical JSON, digests, the hash chain and its seals. Pure."""
