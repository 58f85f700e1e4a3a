"""Airtel's wire."""
