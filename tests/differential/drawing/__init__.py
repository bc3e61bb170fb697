"""What the differential machines draw from, by noun."""
