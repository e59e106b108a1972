"""Presentation: readings as text, tables and data. Only the command line imports it."""
