"""What the machine says of itself: its name, how fast it is now, its memory and its energy."""
