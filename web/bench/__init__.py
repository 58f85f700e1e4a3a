"""Measurements: what is really done, beside a floor in the same run."""
