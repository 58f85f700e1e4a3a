"""What people ask us in their own words, and what we answer."""
