"""Alembic migrations. Versions import nothing of ours."""
