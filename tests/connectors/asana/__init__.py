"""Asana: its calls, webhooks, readings and checks."""
