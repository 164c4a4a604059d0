"""What operators do with the accounts of people."""
