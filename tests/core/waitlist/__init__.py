"""The line for full days."""
