"""A small cloud and equipment desk that provisions, runs out of room, and logs every effect."""

from countersign.sandbox.provisioning.server import API_KEY, Provisioning

__all__ = ["API_KEY", "Provisioning"]
