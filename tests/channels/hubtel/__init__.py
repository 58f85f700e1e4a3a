"""Hubtel's wire."""
