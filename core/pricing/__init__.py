"""Dated rates and the price of a booking."""
