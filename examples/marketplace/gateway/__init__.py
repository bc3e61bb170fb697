"""The gateway: what is spoken to from outside, which knows who asks, and passes on what is asked."""
