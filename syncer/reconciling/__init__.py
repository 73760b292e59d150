"""Reconciling: what a destination believes, when it is asked, beside what it had accepted. `reconcile` begins it."""
