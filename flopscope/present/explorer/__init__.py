"""The page to explore: its data, its mathematics, and the one file that holds them."""
