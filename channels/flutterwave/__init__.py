"""Flutterwave v3: M-Pesa charges in, transfers out, and its settlement files."""
