"""Airtel's own USSD gateway (Comviva), without an aggregator between."""
