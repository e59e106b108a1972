"""Mixtures of experts: who chooses, what is known of the choice, and what is computed for it."""
