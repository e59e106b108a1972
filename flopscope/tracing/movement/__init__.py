"""Which operators move elements to other places in memory, and which only look at them anew."""
