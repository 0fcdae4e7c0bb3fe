"""The workflows of the configuration: found, built, and what is kept of them between starts."""
