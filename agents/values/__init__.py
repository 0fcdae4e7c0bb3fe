"""Arguments of a tool's body: what it takes, how it is written down and read again."""
