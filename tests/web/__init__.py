"""Tests of the web layer and its commands."""
