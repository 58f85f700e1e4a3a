"""The local servers launcher on real servers and real signals."""
