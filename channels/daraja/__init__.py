"""Safaricom Daraja: M-Pesa payments in (STK push, paybill) and out (B2C)."""
