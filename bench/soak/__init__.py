"""Half an hour of steady load: whether anything grows that should not: `make bench-soak`."""
