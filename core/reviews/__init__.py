"""What guests say of what they had: stars and words, one review a booking."""
