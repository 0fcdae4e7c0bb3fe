"""Tickets of any system: opened, polled, read as votes, and told what came of them."""
