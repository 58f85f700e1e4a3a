"""Real HTTP servers that speak the wire formats of Africa's Talking, Daraja and Flutterwave."""
