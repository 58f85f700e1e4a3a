"""The database: engine, transaction, base classes and column types."""
