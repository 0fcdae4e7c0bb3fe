"""Slack: requests as messages with buttons and modals, in a channel or in people's own chats."""
