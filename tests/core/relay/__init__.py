"""Questions to vendors."""
