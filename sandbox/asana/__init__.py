"""Asana as far as approvals need it: tasks of one project, their stories, events and webhooks.

Sources, read 2026-11-30: developers.asana.com, "Tasks" (an approval's status and `completed` are
kept in step), "Stories", "Get events on a resource" (412 with a fresh token), "Webhooks",
"Establish a webhook", "Batch requests", "Pagination", "Rate limits", "Errors"; the vendor's Python
client `asana` 5.4.0, which the tests use against it; Asana/ruby-asana#65 for stories that are
consolidated. No outside service is asked.
"""
