"""One tool: what it may say before it runs, its permit, its run, and what came of it."""
