"""The inbox: pages on which people see what waits for them, decide it, and look around it."""
