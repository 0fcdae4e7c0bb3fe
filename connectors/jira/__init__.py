"""Jira: moving an issue is the decision."""
