"""Trials: runs killed at random moments on the sandbox's real API, and what the next run makes of it."""
