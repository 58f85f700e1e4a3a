"""Cases: opening, deciding, closing."""
