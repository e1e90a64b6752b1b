"""Measurements against the bare tools, as ratios within one run."""
