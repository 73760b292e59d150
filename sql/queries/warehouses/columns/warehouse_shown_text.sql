-- Purpose: a text of a database without an encoding, with U+FFFD instead of its bytes beyond ASCII if it is no UTF-8:
-- so its row can be listed.
-- Placeholders: text, is_utf8.
-- Rows: stands inside warehouse_members.
CASE
    WHEN {is_utf8} THEN {text}
    ELSE pg_catalog.regexp_replace({text}, '[^\x01-\x7f]+', E'\xEF\xBF\xBD', 'g')
END
