-- Purpose: who wants no more mail.
CREATE TABLE shop.unsubscribed (email text NOT NULL)
