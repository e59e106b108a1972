"""A user's own network, loaded from where a target names it."""
