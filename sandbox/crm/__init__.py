"""A small CRM with quoting (CPQ): customers, opportunities, quotes, activities, and a log of every effect."""

from sandbox.crm.server import API_KEY, Crm

__all__ = ["API_KEY", "Crm"]
