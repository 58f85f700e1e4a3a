"""Conversations: screens, the engine that plays them, and every word a person reads.

Imports ``core`` only, and Redis in ``store``. Knows no provider and no wire format.
"""
