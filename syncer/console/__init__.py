"""The console: pages for people in their own network, rendered here, the same as JSON, and what people do there.

Pages ask the state and change nothing; addresses are masked. Whoever gives the token acts, by the functions of the
commands, and sees addresses (`gate`, `actions`). Programs do the same by the API (`api`, `openapi`).
"""
