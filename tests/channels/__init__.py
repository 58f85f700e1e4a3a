"""Tests of the providers' wire formats."""
