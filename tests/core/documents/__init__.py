"""Stories of receipts, credit notes, tax reports and statements."""
