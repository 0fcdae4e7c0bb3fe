"""Countersign beside other frameworks with a human in the loop: `make bench`, docs/benchmark.md."""
