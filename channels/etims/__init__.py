"""KRA's electronic tax invoices (eTIMS), the online unit (OSCU)."""
