"""On-call schedules: who is on call when, read from calendars and from PagerDuty."""
