"""What people of ours are told about their work, by commands and by the API alike."""
