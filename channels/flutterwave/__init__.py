"""Flutterwave v3: what its files and messages look like."""
