"""Words between a customer and a vendor, passed on without their numbers."""
