"""Simulating new rules on what is on record, for `policy simulate`."""
