"""A Salesforce org as its REST API shows it: accounts, opportunities, their history."""

from countersign.sandbox.salesforce.server import Salesforce

__all__ = ["Salesforce"]
