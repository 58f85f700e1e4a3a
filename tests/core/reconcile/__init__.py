"""Statements beside receipts: the matcher, taking in, the daily look."""
