"""How conversations go: where people get to, and how they end. No words and no phone numbers."""
