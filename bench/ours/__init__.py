"""The same job, and two more, in Countersign."""
