"""Receipts, credit notes, what the tax authority is told, and the tax reports."""
