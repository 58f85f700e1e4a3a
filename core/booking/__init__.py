"""A booking and its lifecycle."""
