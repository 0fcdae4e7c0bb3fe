"""Doorbells for follow-up work; the port is `approvals.ports.Jobs`."""
