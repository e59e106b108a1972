"""What a network costs in seconds: measured latencies as facts, and devices that predict them."""
