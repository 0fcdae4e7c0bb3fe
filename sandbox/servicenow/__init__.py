"""A ServiceNow instance: changes, their approvals, and the Table API over them."""

from sandbox.servicenow.errors import RestError
from sandbox.servicenow.options import Options
from sandbox.servicenow.persons import Person
from sandbox.servicenow.server import WEBHOOK_SECRET, ServiceNow

__all__ = ["WEBHOOK_SECRET", "Options", "Person", "RestError", "ServiceNow"]
