"""Conditions of rules: a checked subset of CEL, evaluated exactly. See docs/adr/0029."""
