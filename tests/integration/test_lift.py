"""The query for the lift of an audience, as the documentation has it, on the shop of the demo."""

import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import psycopg

from syncer.demo.shop import Shop
from syncer.state import State, migrations
from tests.withholding import is_held_out
from tests.world import World

DOCUMENT = Path(__file__).parents[2] / "sql" / "README.md"


def test_the_lift_of_an_audience_of_the_demos_shop_is_one_query(world_in_one_database: World) -> None:
    """Whoever is told buys for 100 more: so much is what the query finds, but for what people bought anyway."""
    world = world_in_one_database
    world.extra = '[[audiences]]\nname = "VIP buyers"\nholdout = 0.3\n'
    with psycopg.connect(world.state_url, autocommit=True) as connection, world.warehouse.changing():
        shop = Shop(connection)
        shop.open(400, 7)
        migrations.migrate(State(world.state_url, "syncer"))
        connection.execute("UPDATE shop.orders SET ordered_on = ordered_on + (current_date - shop.today())")
        connection.execute("UPDATE shop.calendar SET today = current_date")
        connection.execute("CREATE VIEW members AS SELECT * FROM shop.audience_membership")
    world.sync()
    with world.warehouse.changing(), psycopg.connect(world.state_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO shop.orders (customer_id, ordered_on, amount, status)"
            " SELECT DISTINCT user_id, current_date + 1, 100, 'completed' FROM syncer.audience_membership_history"
            " WHERE property = 'vip_buyers'"
        )
        Shop(connection).pass_days(20)
        connection.execute(
            "UPDATE shop.calendar SET today = current_date"
        )  # the audience is as it was when it was told
    [query] = re.findall(r"```sql\n(WITH held .*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)

    found = {who: (people, buyers, spent) for who, people, buyers, spent in world.query(query)}

    told = {
        user
        for (user,) in world.query(
            "SELECT user_id FROM syncer.audience_membership_history WHERE property = 'vip_buyers'"
        )
    }
    out = {user for (user,) in world.query("SELECT user_id FROM syncer.held_out_members")}
    assert not told & out
    assert all(is_held_out(user, "vip_buyers", 0.3) for user in out)
    spent: dict[str, Decimal] = defaultdict(Decimal)
    for user, amount in world.query(
        "SELECT customer_id, amount FROM shop.orders WHERE status = 'completed' AND ordered_on > current_date"
    ):
        spent[user] += amount
    for who, users in (("held out", out), ("told", told)):
        buyers = sum(spent[user] > 0 for user in users)
        assert found[who][:2] == (len(users), buyers)
        assert abs(found[who][2] - sum(spent[user] for user in users) / len(users)) < Decimal("0.01")
    assert found["told"][2] - found["held out"][2] > 50
