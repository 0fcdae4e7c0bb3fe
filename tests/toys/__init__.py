"""Two systems of our own, each in one folder: what docs/how-to-add-a-channel.md and
docs/how-to-add-a-ticket-system.md walk through."""
