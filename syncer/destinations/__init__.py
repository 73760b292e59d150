"""The accounts that identify calls go to. A type is one module and one line of `registry`.

Its module has its settings (`options.DestinationSettings`) and its adapter (`calls.Destination`), which translates and
sends: it never retries, never sleeps and knows no state. What the types share is in `http` and `encoding`.
"""
