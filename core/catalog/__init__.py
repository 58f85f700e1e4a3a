"""What is offered: towns, listings, their calendar and the search over them."""
