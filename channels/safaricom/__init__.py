"""Safaricom's own USSD gateway, without an aggregator between."""
