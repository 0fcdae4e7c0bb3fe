"""`countersign.yaml`: its sections, and everything that can be wrong with it."""
