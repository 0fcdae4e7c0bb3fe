"""A stand-in for PagerDuty: schedules, who is on call by them, and its limits."""

from countersign.sandbox.pagerduty.server import PagerDutyServer

__all__ = ["PagerDutyServer"]
