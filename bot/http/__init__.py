"""What is taken from the network: how much, how fast, and how it is refused."""
