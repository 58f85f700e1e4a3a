"""What vendors are owed and how it reaches them."""
