"""The rows that torch's operators become in a ledger, as tables."""
