"""A ledger by way of torch.export."""
