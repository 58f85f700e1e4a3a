"""What signed-in admins read and do under /api/v1/admin."""
