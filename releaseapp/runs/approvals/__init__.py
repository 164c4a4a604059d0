"""What runs ask people."""
