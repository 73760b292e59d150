-- Purpose: whether a text of a database without an encoding (SQL_ASCII, which takes any bytes) is UTF-8. Each of its
-- bytes is a character here.
-- Placeholders: text.
-- Rows: stands inside warehouse_members.
({text}) OPERATOR(pg_catalog.~)
'^([\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|\xed[\x80-\x9f][\x80-\xbf]|[\xe1-\xef][\x80-\xbf][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf][\x80-\xbf]|[\xf1-\xf3][\x80-\xbf][\x80-\xbf][\x80-\xbf]|\xf4[\x80-\x8f][\x80-\xbf][\x80-\xbf])*$' -- noqa: LT05
