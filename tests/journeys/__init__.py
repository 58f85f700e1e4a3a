"""Whole journeys against a real `nafasi up`, over HTTP only. Run with ``-m slow``."""
