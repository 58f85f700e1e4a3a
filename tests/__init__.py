"""Tests: stories first, then rules, races and wire tables. They mirror the source tree."""
