"""The values that every noun is made of: amounts, times, text, JSON, secrets, pages."""
