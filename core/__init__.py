"""The booking and escrow domain. Knows no provider, no HTTP, no Redis and no words for users."""
