"""Customers, vendors and admins."""
