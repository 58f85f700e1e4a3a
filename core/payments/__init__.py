"""Attempts to move money through a provider, and the evidence that comes back."""
