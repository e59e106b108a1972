"""What is computed for each question: a file a verb, which `present` lays out and `cli` asks."""
