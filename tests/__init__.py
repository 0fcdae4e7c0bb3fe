"""The tests; they mirror the tree. Working fakes live in `tests.doubles`."""
