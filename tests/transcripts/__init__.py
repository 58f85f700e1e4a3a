"""Stories of calls, messages and money, one text file each."""
