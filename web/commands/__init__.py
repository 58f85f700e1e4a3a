"""One module a command; each imports what it needs inside, so that help comes at once."""
