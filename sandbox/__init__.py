"""The embedded site: a real OpenStack and a real EGI Check-in on this machine."""
