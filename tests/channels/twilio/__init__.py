"""Twilio's wire."""
