"""Wire formats: each provider's own folder, and simulators that speak them."""
