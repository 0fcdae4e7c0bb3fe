"""Processes that stay up and work in turn, so that a slow minute of the machine meets them all."""
