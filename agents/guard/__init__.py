"""Where running code stands, and what it may start there."""
