"""What training a network costs: work of every step and stage, memory, and, as ranges, hours and
energy."""
