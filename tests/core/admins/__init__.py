"""Admins: passwords, codes and sessions."""
