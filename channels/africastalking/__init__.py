"""Africa's Talking: USSD hops, text messages in and out, and what it reports about them."""
