"""A small CRM with quoting (CPQ), and a log of every effect it had."""

from countersign.sandbox.crm.server import API_KEY, Crm

__all__ = ["API_KEY", "Crm"]
