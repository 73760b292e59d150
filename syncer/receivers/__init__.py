"""Strict receivers on loopback, as picky as the documentation of Segment and Mailmodo; the oracle of demo and tests."""
