"""Every guard of the money and the calendar, each taken away once: its story must then fail."""
