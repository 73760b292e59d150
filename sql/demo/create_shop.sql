-- Purpose: the shop's schema. Everything in it could be the schema of a real shop, but for `dice`.
CREATE SCHEMA shop
