"""Ticket systems in which people decide: one package for each, behind `approvals.ports`.

There is none yet; Jira and ServiceNow come next. A connector may import `approvals`, and neither
`agents` nor `bot`.
"""
