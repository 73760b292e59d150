-- Purpose: the audiences whose job fails at present.
CREATE TABLE shop.broken_models (
    audience_name text PRIMARY KEY
)
