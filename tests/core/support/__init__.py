"""Questions in people's own words."""
