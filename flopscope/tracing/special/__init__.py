"""What runs in another way than plain operators on plain tensors, and is asked first."""
