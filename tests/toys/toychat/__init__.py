"""Toy Chat: a message channel, complete. `system` says what there is, `channel` shows requests,
`answers` takes votes; `service` plays the chat service itself."""
