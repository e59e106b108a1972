"""A ledger made from torch.export's graph."""
