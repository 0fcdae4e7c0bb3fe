"""Signing in to the inbox with OpenID Connect: who the issuer says it is, and whom that is here."""
