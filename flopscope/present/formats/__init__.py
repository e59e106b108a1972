"""The formats of documents: each file writes one, by its function `text`."""
