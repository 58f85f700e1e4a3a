"""What must always be true, over the whole core."""
