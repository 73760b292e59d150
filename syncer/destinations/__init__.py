"""The accounts that identify calls go to: one file for each kind, and `http`, which they share.

A destination translates and sends (`models.Destination`): it never retries, never sleeps and knows no state.
"""
