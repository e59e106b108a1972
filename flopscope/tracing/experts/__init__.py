"""Mixtures of experts: how tokens choose, what is known of the choice, and what is computed for
it."""
