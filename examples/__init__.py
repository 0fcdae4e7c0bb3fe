"""Workflows to start from: ordinary AutoGen chats whose tools are run by an ApprovalProxy."""
