"""A gateway of Hubtel's shape: JSON, one key at a time, hops counted."""
