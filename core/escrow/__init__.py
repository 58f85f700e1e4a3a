"""The ledger: accounts, transfers, postings, and the money plan of each event."""
