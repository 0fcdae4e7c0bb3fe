"""On-call schedules: who is on call when, read from calendars, PagerDuty and Jira."""
