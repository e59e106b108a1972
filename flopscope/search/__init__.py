"""Costs read backwards: which designs keep a budget, and where one cost overtakes another."""
