"""The shapes of operators' results on symbolic sizes."""
