"""Cases: what a person must decide, each with an age and an owner."""
