"""Rollout: from what a person does by hand to what runs without asking, on evidence."""
