"""The gateway, which alone is spoken to from outside: it knows who asks, and passes on what is asked."""
