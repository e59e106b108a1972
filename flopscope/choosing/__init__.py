"""Choices among costs: which networks no other dominates, which design keeps a budget, where one
cost overtakes another."""
