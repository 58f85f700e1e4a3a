"""Kannel's HTTP form, which other engines speak too: SMS over SMPP by a gateway of our own."""
