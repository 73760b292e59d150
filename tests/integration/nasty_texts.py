"""The names, addresses and values that warehouses at their worst hold (`tests/integration/nasty.py`): few, so that they
meet, and each known to have broken somebody's code."""

import random
import string

from hypothesis import strategies as st

Text = str | None
Value = str | float | bool | None
BLANK = " \t\r\n\xa0"

TRAITS = ("Lifetime value", "Tier")
LONG = "".join(random.Random(7).choices(string.ascii_letters, k=3000))  # too long for an index

names = st.sampled_from(
    [
        *["VIP Buyers", "Churn Risk"] * 4,
        *[
            "vip-buyers",
            "VIP Buyers ",
            "Café Lovers",
            "Cafe\u0301 lovers",
            "CAFÉ LOVERS",
            "2FA",
            "Tier",
            "lifetime_value",
        ],
        *[
            "email",
            "user_id",
            "forgotten people",
            "\u202eVIP",
            "日本",
            "🙂",
            "%s {x} \"'\\",
            "x" * 500,
            "y" * 501,
            LONG,
        ],
        *["ŉ" * 260, "a\x01b", "e" * 255, "ss", "ß", "İi", None, "", " \t", "\xa0"],
    ]
)
users = st.sampled_from(
    [
        *["u1", "u2", "u3"] * 4,
        *["U1", " u1", "u1 ", "a@x.io", "b@x.io", "guest", "forgotten " + "0" * 32, "forgotten victim", "forgotten "],
        *[
            "é",
            "e\u0301",
            "👩\u200d🚀",
            "\u202eabc",
            "\x01\x1f\x7f",
            "a\x1fb",
            "\x1e",
            "%s",
            "'; --",
            "\\N",
            "x" * 512,
            "x" * 513,
        ],
        *["€" * 170, "€" * 171, LONG, None, "", " ", "\xa0", "NULL", "0", "1.0"],
    ]
)
emails = st.sampled_from(
    [
        *["a@x.io", "b@x.io", "c@x.io"] * 4,
        *[
            "A@X.IO",
            " a@x.io\t",
            "\xa0B@x.io",
            "ß@x.io",
            "SS@x.io",
            "İ@x.io",
            "i\u0307@x.io",
            "\u017f@x.io",
            "\u212a@x.io",
            "k@x.io",
        ],
        *[
            "é@x.io",
            "e\u0301@x.io",
            "🙂@x.io",
            "\u202ea@x.io",
            "a'b\"@x.io",
            "%s@x.io",
            "forgotten@x.io",
            "u1",
            "a\u3000b@x.io",
        ],
        *[
            "x" * 249 + "@x.io",
            "x" * 250 + "@x.io",
            "€" * 249 + "@x.io",
            LONG + "@x.io",
            "a\x01@x.io",
            "a@",
            "@",
            "a@b@c",
        ],
        *["a b@x.io", None, "", " ", "nobody", "forgotten " + "0" * 32],
    ]
)
numbers = st.sampled_from([0, 1, -1, 5, 5, 6, 0.5, 1e15, 2**53, None])
texts = st.sampled_from(
    [
        "gold",
        "gold",
        "silver",
        "",
        " ",
        "None",
        "null",
        '"',
        "5",
        "é",
        "🙂",
        "\u202ex",
        "\x01",
        "%s {x}",
        LONG,
        None,
    ]
)
