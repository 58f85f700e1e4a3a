"""Stories of the tax authority's adapter."""
