-- Purpose: what day it is in the shop.
CREATE FUNCTION shop.today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT today FROM shop.calendar)
