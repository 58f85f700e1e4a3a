"""Who waits for a day that is full, in line, and is offered what becomes free."""
