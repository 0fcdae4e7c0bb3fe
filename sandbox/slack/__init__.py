"""A stand-in of Slack: one workspace, its Web API, its people, and what they click."""
