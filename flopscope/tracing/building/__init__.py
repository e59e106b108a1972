"""How a module is built with symbols as arguments, and the stand-ins for Python's numbers that this
needs."""
