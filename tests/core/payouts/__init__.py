"""Stories of the weekly run."""
