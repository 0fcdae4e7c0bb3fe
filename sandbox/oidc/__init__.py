"""A stand-in for an issuer of OpenID Connect, like Entra: people, keys, codes, and bad habits."""

from countersign.sandbox.oidc.server import OidcServer

__all__ = ["OidcServer"]
