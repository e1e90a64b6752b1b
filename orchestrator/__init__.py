"""Turn "this use case, on that site" into a running, checked, expiring deployment."""

__version__ = "0.1.0"
