"""Delivery: the pages of a plan on their way to a destination, each identify until it has an outcome."""
