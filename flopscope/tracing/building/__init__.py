"""A module built with symbols for its arguments, and the stand-ins for Python's numbers."""
