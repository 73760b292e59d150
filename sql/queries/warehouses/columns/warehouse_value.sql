-- Purpose: columns of warehouse_members: the value of a computed trait as JSON, null in JSON for a value that cannot be
-- sent, and its type; the name of a type that cannot be sent is told to the user.
-- Placeholders: absent (whether there is none), json, value_type.
-- Rows: stands inside warehouse_members.
, CASE WHEN {absent} THEN NULL ELSE {json} END AS value, {value_type} AS value_type
