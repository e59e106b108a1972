"""What shapes operators return on symbolic sizes."""
