"""A project of the user's own: written by `countersign init`."""
