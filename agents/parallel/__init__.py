"""Several chats of one session side by side, whose guarded calls are one checkpoint."""
