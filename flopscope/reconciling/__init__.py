"""Reported numbers compared with exact counts: which reading gives a number, term by term."""
