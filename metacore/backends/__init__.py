"""What every backend is made of, written once."""
