"""Documents as PDF: receipts, credit notes, statements. The same row gives the same bytes."""
