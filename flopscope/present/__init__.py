"""Presentation: readings as text, tables and data. Knows readings; nothing knows it but the command
line."""
