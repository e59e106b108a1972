"""Choices among costs: what is undominated, which design keeps a budget, where one cost overtakes
another."""
