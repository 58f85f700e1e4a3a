"""The ledger and the price."""
