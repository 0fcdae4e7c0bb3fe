"""People from directories: read by jobs, linked, and kept in memory as they are now."""
