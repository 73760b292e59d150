"""Names to which Segment and Mailmodo give a meaning: those that may be sent, and those that no property may have."""

import inflection

SEGMENT_TRAITS = frozenset(
    "address age avatar birthday company createdAt description email firstName gender id lastName name phone title"
    " username website".split()
)
"""Segment, "Spec: Identify", table of reserved traits, in its own spelling."""

SEGMENT_PROPERTIES = frozenset({*map(inflection.underscore, SEGMENT_TRAITS), *map(str.lower, SEGMENT_TRAITS)})
"""The same in the forms that a property would take: `created_at`, `createdat`."""

SEGMENT_COLUMNS = frozenset(
    "id user_id anonymous_id received_at sent_at timestamp original_timestamp uuid uuid_ts event event_text".split()
)
"""Segment, "Warehouse schemas": a property of such a name is dropped, or shadows a column of Segment's own."""

_MAILMODO_PROFILE = frozenset(
    "first_name last_name name gender phone address1 address2 city state country postal_code designation company"
    " industry description age birthday anniversary_date".split()
)
_MAILMODO_BESIDE = frozenset("added_at email created_at last_click last_open timezone".split())

MAILMODO_FIELDS = _MAILMODO_PROFILE | _MAILMODO_BESIDE
"""Mailmodo, "User properties", predefined fields, and the fields that stand beside `data` in its contact calls."""

SENDABLE_TRAITS = (SEGMENT_TRAITS - {"email", "id"}) | _MAILMODO_PROFILE
"""What may go along with a call. The email is the contact; ids are not the warehouse's to set."""

WITH_MEANING = SEGMENT_TRAITS | SEGMENT_PROPERTIES | MAILMODO_FIELDS
"""All of them, in any spelling that Mailmodo's destination understands."""
