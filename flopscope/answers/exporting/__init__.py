"""What an exported file is checked for, and what other runtimes need of it."""
