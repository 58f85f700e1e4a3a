"""Disputes: from the report to the decision."""
