"""Budgets: cumulative limits on calls, by count and by value, within a time."""
