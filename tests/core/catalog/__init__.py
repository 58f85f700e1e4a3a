"""The catalog against real PostgreSQL."""
