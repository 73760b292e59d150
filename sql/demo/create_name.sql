-- Purpose: a customer's name.
CREATE FUNCTION shop.name_of(customer bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (ARRAY['Ada', 'Bruno', 'Chen', 'Dalia', 'Emil', 'Fatima', 'Goran', 'Hana', 'Ivo', 'Jana', 'Kofi', 'Lena',
        'Mateo', 'Nadia', 'Oscar', 'Priya', 'Quinn', 'Rosa', 'Samir', 'Tara', 'Uma', 'Viktor', 'Wanja', 'Yuki']
        )[1 + floor(24 * shop.dice('first name', customer, '2000-01-01'))::integer]
        || ' ' || (ARRAY['Almeida', 'Becker', 'Costa', 'Dubois', 'Eriksen', 'Fischer', 'Gupta', 'Haddad', 'Ito',
        'Jansen', 'Kowalski', 'Lopez', 'Moreau', 'Novak', 'Okafor', 'Park', 'Rossi', 'Silva', 'Tanaka', 'Vogel']
        )[1 + floor(20 * shop.dice('last name', customer, '2000-01-01'))::integer]
