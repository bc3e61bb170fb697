"""Prices of three exchanges: ticks come by TCP, are shown as they come, and are kept as exact minutes."""
