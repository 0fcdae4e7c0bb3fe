"""Simulation: what rules would have said of the calls that are on record."""
