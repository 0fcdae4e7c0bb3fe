"""The product under load, this build and the one before it in turn: `make bench-load`."""
