"""Workers, on real PostgreSQL and Redis, with scripted providers."""
