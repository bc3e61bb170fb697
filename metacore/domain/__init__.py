"""Models and rules by noun: pure, without I/O, clock, randomness or threads."""
