"""Planning: from the warehouse's rows and the synced state to the changes that are to be told, in SQL."""
