"""Twilio: a second route for messages."""
