"""What can be said of the rules before the first request."""
