"""Celery: what is owed gets done. Each module is a bounded loop around use cases of the core."""
