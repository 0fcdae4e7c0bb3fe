"""HubSpot's CRM v3 as its API shows it: deals, a pipeline, the history of properties."""

from countersign.sandbox.hubspot.server import HubSpot

__all__ = ["HubSpot"]
