"""A ServiceNow instance: changes, their approvals, and the Table API over them."""

from countersign.sandbox.servicenow.errors import RestError
from countersign.sandbox.servicenow.options import Options
from countersign.sandbox.servicenow.persons import Person
from countersign.sandbox.servicenow.server import WEBHOOK_SECRET, ServiceNow

__all__ = ["WEBHOOK_SECRET", "Options", "Person", "RestError", "ServiceNow"]
