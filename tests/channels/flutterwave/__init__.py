"""Tests of the Flutterwave adapter."""
