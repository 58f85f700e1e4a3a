"""People of ours: their passwords and codes, and where they are signed in."""
