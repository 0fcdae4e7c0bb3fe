"""Slack against a workspace that runs."""
