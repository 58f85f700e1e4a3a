"""Flutterwave version 3: M-Pesa payments in (charges) and out (transfers to wallets and banks)."""
