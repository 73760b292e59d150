-- Purpose: starts over: the shop goes, and all that syncer remembers of it.
DROP SCHEMA IF EXISTS shop, syncer CASCADE
