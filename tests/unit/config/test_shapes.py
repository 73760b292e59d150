"""What the configuration says about fields of calls that are hashed, renamed, in lower case or dropped."""

import pytest

from tests.unit.config.texts import DESTINATION, MAILMODO, WAREHOUSE, WEBHOOK, Load, refused

FIELDS = """
traits = { a = "phone", b = "firstName" }
[[audiences]]
name = "VIP buyers"
[[computed_traits]]
name = "Lifetime value"
query = "SELECT"
"""
USERS = DESTINATION + "identity = 'user_id'\n"
KNOWN = "known here are email, firstName, lifetime_value, phone, user_id"


def in_it(destination: str, line: str) -> str:
    return WAREHOUSE + FIELDS + destination + line


@pytest.mark.parametrize(
    "text",
    [
        in_it(DESTINATION, "hash = { phone = 'sha256' }\nrename = { lifetime_value = 'ltv' }\ndrop = ['firstName']"),
        in_it(USERS, "hash = { email = 'md5' }\nrename = { email = 'em' }"),
        in_it(USERS, "drop = ['email']"),
        in_it(MAILMODO, "hash = { phone = 'sha512' }\nlowercase = ['firstName']\nrename = { phone = 'ph' }"),
        in_it(WEBHOOK, "hash = { email = 'sha256', user_id = 'sha256' }\nrename = { email = 'em', user_id = 'uid' }"),
    ],
)
def test_fields_that_may_change(load: Load, text: str) -> None:
    assert load(text).destinations[0].shape


@pytest.mark.parametrize(
    ("destination", "line", "path", "message"),
    [
        (
            MAILMODO,
            "hash = { email = 'sha256' }",
            "hash.email",
            "cannot change `email`: Mailmodo knows its contacts by",
        ),
        (MAILMODO, "drop = ['phone', 'email']", "drop[1]", "cannot change `email`: Mailmodo knows its contacts by it"),
        (MAILMODO, "rename = { user_id = 'u' }", "rename.user_id", "cannot change `user_id`: Mailmodo is told none"),
        (
            MAILMODO,
            "rename = { phone = 'city' }",
            "rename.phone",
            "`city` is a field of a call already; choose another",
        ),
        (DESTINATION, "hash = { email = 'md5' }", "hash.email", 'by it, unless identity = "user_id"'),
        (DESTINATION, "lowercase = ['user_id']", "lowercase[0]", "cannot change `user_id`: Segment knows its users"),
        (USERS, "drop = ['user_id']", "drop[0]", "cannot change `user_id`: Segment knows its users by it"),
        (USERS, "rename = { phone = 'email' }", "rename.phone", "`email` is a field of a call already; choose another"),
        (WEBHOOK, "hash = { emial = 'md5' }", "hash.emial", "there is no field `emial` that it could change; did you"),
        (WEBHOOK, "drop = ['xyz']", "drop[0]", KNOWN),
        (WEBHOOK, "hash = { email = 'sha1' }", "hash.email", 'must be "sha256", "sha512" or "md5" (got "sha1")'),
        (WEBHOOK, "hash = { emial = 'sha1' }", "hash.emial", 'must be "sha256", "sha512" or "md5"'),
        (WEBHOOK, "drop = ['']", "drop[0]", "must not be empty"),
        (WEBHOOK, "drop = 'email'", "drop", "must be a list in brackets, such as"),
        (WEBHOOK, "rename = { email = 5 }", "rename.email", "must be text in quotes"),
        (WEBHOOK, "hash = { vip_buyers = 'md5' }", "hash.vip_buyers", "which is the property of audiences[0]"),
        (WEBHOOK, "drop = ['lifetime_value']", "drop[0]", "is a computed trait; list in `audiences` what this"),
        (WEBHOOK, "drop = ['email']\nhash = { email = 'md5' }", "hash.email", "`email` is dropped as well; keep one"),
        (WEBHOOK, "rename = { email = 'phone' }", "rename.email", "`phone` is a field of a call already; choose"),
        (WEBHOOK, "rename = { user_id = 'type' }", "rename.user_id", "`type` is a field of a call already; choose"),
        (WEBHOOK, "rename = { email = 'vip_buyers' }", "rename.email", "is the property of audiences[0] already"),
        (
            WEBHOOK,
            "rename = { email = 'lifetime_value' }",
            "rename.email",
            "the property of computed_traits[0] already",
        ),
        (WEBHOOK, "rename = { email = 'x', phone = 'x' }", "rename.phone", "`x` is the new name of `email` already"),
    ],
)
def test_what_is_refused_of_fields(load: Load, destination: str, line: str, path: str, message: str) -> None:
    [(at, said)] = refused(load, in_it(destination, line)).items()
    assert at == f"destinations[0].{path}"
    assert message in said
