"""A believable market for trials: data, and the code that writes it. Never in production."""
