"""Keeps one boolean property per audience on every contact equal to what the warehouse says."""

__version__ = "0.1.0"
