"""A small ERP: budgets and journal lines by month, and the reports that were signed off."""

from countersign.sandbox.erp.server import API_KEY, Erp

__all__ = ["API_KEY", "Erp"]
