"""What people write to an app in a chat: what it means, and the words that answer it."""
