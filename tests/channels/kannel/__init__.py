"""Kannel's wire."""
