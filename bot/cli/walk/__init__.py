"""Deciding in a terminal: what waits for a person, one request after the other."""
