"""The demo: a shop, a warehouse and a receiver on loopback, without configuration or network."""
