"""What is known of the values in tensors, beside their shapes."""
