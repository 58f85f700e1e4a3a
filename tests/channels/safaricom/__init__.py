"""Safaricom's wire."""
