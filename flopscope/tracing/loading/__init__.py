"""How a user's own network is loaded from the place that a target names."""
