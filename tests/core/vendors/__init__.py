"""Vendors: how they come, their PIN, staff, listings, papers, and the word that stops payouts."""
