"""What modules are called, in every library's way of naming them."""
