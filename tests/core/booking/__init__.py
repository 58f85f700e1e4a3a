"""Stories of bookings, from the first wish to the vendor's wallet."""
