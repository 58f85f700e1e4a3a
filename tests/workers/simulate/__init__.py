"""The simulator of a marketplace year."""
