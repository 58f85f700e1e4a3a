"""Stories of attempts, receipts and what evidence does."""
