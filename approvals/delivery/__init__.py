"""Delivery: rows carried to channels, at least once, with back-off."""
