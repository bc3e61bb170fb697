"""Market data: ticks, and the bars that they make."""
