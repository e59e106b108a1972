"""Reported numbers against exact counts: which reading gives a number, term by term."""
