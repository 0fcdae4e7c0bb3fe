"""Signed webhooks: programs are told of requests, and tell us what somebody has decided."""
