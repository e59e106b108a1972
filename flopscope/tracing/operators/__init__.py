"""What torch's operators are in a ledger: the tables of their rows."""
