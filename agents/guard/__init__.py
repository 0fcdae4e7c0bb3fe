"""The second guard: the context of running code, and what it may start there."""
