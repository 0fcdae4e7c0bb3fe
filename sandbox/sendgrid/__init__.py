"""SendGrid's v3 API: mail is taken, dropped for whoever does not want it, and its activity kept."""

from countersign.sandbox.sendgrid.server import SendGrid

__all__ = ["SendGrid"]
