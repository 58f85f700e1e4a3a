"""What hops are measured beside: floors that we made, and servers around others' libraries."""
