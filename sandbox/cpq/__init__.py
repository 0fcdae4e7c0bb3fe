"""A CPQ-shaped API: quotes of lines, priced by its own rules, each change with a version."""

from countersign.sandbox.cpq.server import Cpq

__all__ = ["Cpq"]
