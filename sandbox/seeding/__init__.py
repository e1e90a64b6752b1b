"""Fills the cloud with what a site of EGI offers; runs in the control plane's Python."""
