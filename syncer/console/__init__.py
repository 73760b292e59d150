"""The console: pages for people in their own network, rendered here, and the same answers as JSON.

It asks the state and changes nothing. Email addresses are masked. It answers on this machine only.
"""
