"""The accounts that identify calls go to: one file for each kind, and what they share (`http`, `encoding`).

A destination translates and sends (`models.Destination`): it never retries, never sleeps and knows no state.
"""
