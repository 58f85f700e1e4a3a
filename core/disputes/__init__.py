"""Disputes: a customer says that something was wrong, both sides are heard, an admin decides."""
