"""The same job in other frameworks. Each module runs in an environment of its own."""
