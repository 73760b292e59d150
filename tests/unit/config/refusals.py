"""A text that is refused, where, and in which words: one case a line of the configuration."""

from syncer.destinations.registry import DESTINATIONS
from tests.unit.config.texts import (
    DESTINATION,
    MINIMAL,
    WAREHOUSE,
    in_audience,
    in_destination,
    in_guard,
    in_history,
    in_log,
    in_mailmodo,
    in_membership,
    in_state,
    in_warehouse,
    with_url,
)

TYPES = " or ".join(f'"{kind}"' for kind in DESTINATIONS)
TABLE_AND_QUERY = "`table` and `query` both name the members; keep one of them"
BAD_URL = (
    'is not a database URL; write it like "postgresql://reader@db.internal:5432/analytics"'
    " and put a password with special characters into `password` beside it"
)
NOT_JSON = "must hold JSON values only: text, numbers, true, false, lists and tables"
NOT_HTTP = 'is not a web address; write it like "https://api.segment.io"'
BARE_ADDRESS = "must not hold a user, a password, `?` or `#`; only the base of the address"
IN_CLEAR = "would send the write key in clear; use https://, or set `allow_http = true`"
ONE_WORD = "must not hold blanks, line ends or control characters; copy the key again"
TOO_OFTEN = 'must be at least "1m"; "1d" is once a day (got "59s")'
NO_ADDRESS = 'is not an email address; write it like "qa@example.com"'
NOT_A_LIST = 'must be a list in brackets, such as ["…", "…"]'
TOKEN = "must have at least 24 plain letters, digits and signs; make one with `openssl rand -hex 24`"
HOST = 'has what is no name of a host; write it like "syncer.internal", without a port'
NUMBER = "must be a number, without quotes"
WHOLE_NUMBER = "must be a whole number, without quotes"
KEEP = 'must be more than nothing and at most "36500d"'
DURATION = 'must be a duration in quotes such as "30s", "2h30m", "400d" or "500ms"'

REFUSED = [
    # unknown keys
    (
        "color = 1\n" + MINIMAL,
        "color",
        "unknown key; known here are alerts, audiences, computed_traits, console, daemon, destinations, guard, health,"
        " history, log, priority, schedule, state, suppress, warehouse",
    ),
    (in_guard("max_removed = 1"), "guard.max_removed", "unknown key; did you mean `min_removed`?"),
    (in_history("zzz = 1"), "history.zzz", "unknown key; known here are keep"),
    (in_membership("tabel = 'x'"), "warehouse.membership.tabel", "unknown key; did you mean `table`?"),
    (in_state("Schema = 'x'"), "state.Schema", "unknown key; did you mean `schema`?"),
    (in_state("schema_name = 'x'"), "state.schema_name", "unknown key; did you mean `schema`?"),
    (in_destination("write_keys = 'x'"), "destinations[0].write_keys", "unknown key; did you mean `write_key`?"),
    (in_log("zzz = 1"), "log.zzz", "unknown key; known here are format, level"),
    # the warehouse
    (with_url(""), "warehouse.url", BAD_URL),
    (with_url("db.internal"), "warehouse.url", BAD_URL),
    (with_url("postgresql://a:hunter2@h:port/d"), "warehouse.url", BAD_URL),
    (in_warehouse("password = 5"), "warehouse.password", "must be text in quotes"),
    (in_warehouse("password = ''"), "warehouse.password", "must not be empty"),
    (in_warehouse("connect_args = 5"), "warehouse.connect_args", "must be a table, such as { key = value }"),
    (
        with_url("foo+bar://a:hunter2@h"),
        "warehouse.url",
        "no SQLAlchemy dialect `foo+bar` is installed; install the package that brings it beside syncer,"
        " or correct what stands before `://`",
    ),
    (
        with_url("postgresql://a:hunter2@h/d").replace('/d"', '/d"\npassword = "b"'),
        "warehouse.url",
        "holds a password and `password` stands beside it; keep one of them",
    ),
    (
        "warehouse = 5" + DESTINATION,
        "warehouse",
        "must be a table, under a header of its own (got 5)",
    ),
    (in_membership("query = 'SELECT 1'"), "warehouse.membership.query", TABLE_AND_QUERY),
    (
        f"{MINIMAL}[suppress]\ntable = 'a'\nquery = 'SELECT 1'",
        "suppress.query",
        TABLE_AND_QUERY.replace("members", "suppressed"),
    ),
    (
        f"{MINIMAL}[suppress]\nemail = 'mail'",
        "suppress.table",
        'is missing; add table = "…" or query = "SELECT email FROM …"',
    ),
    (
        MINIMAL.replace("table =", "email ="),
        "warehouse.membership.table",
        'is missing; add table = "…" or query = "SELECT …"',
    ),
    (
        "[warehouse]\nurl='duckdb://'\n[[audiences]]\nname='A'" + DESTINATION,
        "warehouse.membership",
        'no members to read; add [warehouse.membership] with table = "…", or [[audiences]] with a `query`',
    ),
    (in_membership("email = ' '"), "warehouse.membership.email", 'must not be empty (got " ")'),
    (
        in_membership(r'member = "a\u0000"'),
        "warehouse.membership.member",
        r'must not hold a NUL character (got "a\u0000")',
    ),
    # the audiences
    (MINIMAL + "[[audiences]]\nproperty='a'", "audiences[0].name", 'is missing; add name = "…"'),
    (MINIMAL + "[[audiences]]\nname=''", "audiences[0].name", 'must not be empty (got "")'),
    (
        MINIMAL + "[[audiences]]\nname='A'\n[[audiences]]\nname='B'\n[[audiences]]\nname='A'",
        "audiences[2].name",
        "is the same as that of audiences[0]; choose another",
    ),
    (
        MINIMAL + "[audiences]\nname='A'",
        "audiences",
        "must be a list of tables, each under its own header [[audiences]]",
    ),
    (MINIMAL + "[[priority]]\nname='A'\naudiences='B'", "priority[0].audiences", f'{NOT_A_LIST} (got "B")'),
    ("audiences = ['A']" + MINIMAL, "audiences[0]", 'must be a table, under a header of its own (got "A")'),
    (
        in_audience("max_removed_fraction = 1.1"),
        "audiences[0].max_removed_fraction",
        "must be at most 1 (got 1.1)",
    ),
    (in_audience("max_removed_fraction = '1'"), "audiences[0].max_removed_fraction", f'{NUMBER} (got "1")'),
    (in_audience("max_added_fraction = -1"), "audiences[0].max_added_fraction", "must be at least 0 (got -1)"),
    # the state
    *(
        (text, place, "holds options that PostgreSQL's client library does not know; correct what stands after `?`")
        for text, place in (
            (in_state("url = 'postgresql://h/d?sslmod=require'"), "state.url"),
            (with_url("postgresql://h/d?sslmod=require"), "warehouse.url"),
            (with_url("postgresql+psycopg://h/d?sslmod=require"), "warehouse.url"),
        )
    ),
    *(
        (text, place, f"holds a `{name}` that is no whole number; correct what stands after `?`")
        for name, value in (
            ("connect_timeout", "x"),
            ("connect_timeout", "inf"),
            ("connect_timeout", "1.5"),
            ("connect_timeout", "9" * 5000),
            ("keepalives_idle", "x"),
        )
        for text, place in (
            (in_state(f"url = 'postgresql://h/d?{name}={value}'"), "state.url"),
            (with_url(f"postgresql://h/d?{name}={value}"), "warehouse.url"),
        )
    ),
    (
        in_state("url = 'sqlite:///hunter2.db'"),
        "state.url",
        'must be PostgreSQL, such as "postgresql://syncer@db.internal/syncer"; leave it out for the embedded one',
    ),
    (in_state("data_dir = ''"), "state.data_dir", 'must not be empty (got "")'),
    (in_state("data_dir = 1"), "state.data_dir", "must be text in quotes (got 1)"),
    (in_state("schema = ''"), "state.schema", 'must not be empty (got "")'),
    (
        in_state("schema = 'pg_x'"),
        "state.schema",
        'must not start with pg_, which PostgreSQL keeps for itself (got "pg_x")',
    ),
    (
        in_state(f"schema = '{'é' * 32}'"),
        "state.schema",
        f'must not be longer than 63 bytes, PostgreSQL\'s limit (got "{"é" * 32}")',
    ),
    # the destinations
    (
        "destinations = []" + WAREHOUSE,
        "destinations",
        "is empty; add [[destinations]] with `name` and `write_key`",
    ),
    (
        MINIMAL + DESTINATION,
        "destinations[1].name",
        "is the same as that of destinations[0]; choose another",
    ),
    (
        MINIMAL.replace("[[destinations]]", "[[destinations]]\ntype = 'segmnt'"),
        "destinations[0].type",
        f'must be {TYPES} (got "segmnt")',
    ),
    (
        MINIMAL.replace("[[destinations]]", "[[destinations]]\ntype = ['segment']"),
        "destinations[0].type",
        f"must be {TYPES}",
    ),
    ("destinations = [5]" + WAREHOUSE, "destinations[0]", "must be a table, under a header of its own (got 5)"),
    (
        MINIMAL.replace("write_key", "gzip = true #"),
        "destinations[0].write_key",
        'is missing; add write_key = "${SEGMENT_WRITE_KEY}"',
    ),
    (MINIMAL.replace("k3y", " "), "destinations[0].write_key", "must not be empty"),
    (MINIMAL.replace("k3y", "a b"), "destinations[0].write_key", ONE_WORD),
    (MINIMAL.replace("k3y", r"a\n"), "destinations[0].write_key", ONE_WORD),
    (MINIMAL.replace("k3y", r"a\u00a0"), "destinations[0].write_key", ONE_WORD),
    (in_destination("region = 'asia'"), "destinations[0].region", 'must be "eu" or "us" (got "asia")'),
    (
        in_destination("region = 'eu'\nendpoint = 'https://x.example'"),
        "destinations[0].region",
        "`endpoint` and `region` both name the address; keep one of them",
    ),
    (in_destination("endpoint = ''"), "destinations[0].endpoint", f'{NOT_HTTP} (got "")'),
    (in_destination("endpoint = 'x.example'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "x.example")'),
    (in_destination("endpoint = 'ftp://x'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "ftp://x")'),
    (in_destination("endpoint = 'https://x:y'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "https://x:y")'),
    (in_destination("endpoint = 'https://x y'"), "destinations[0].endpoint", f'{NOT_HTTP} (got "https://x y")'),
    (in_destination("endpoint = 'https://a:hunter2@x'"), "destinations[0].endpoint", BARE_ADDRESS),
    (in_destination("endpoint = 'https://x?k=v'"), "destinations[0].endpoint", f'{BARE_ADDRESS} (got "https://x…")'),
    (in_destination("endpoint = 'http://x'"), "destinations[0].endpoint", f'{IN_CLEAR} (got "http://x")'),
    (
        in_destination("endpoint = 'http://127.0.0.1.x.example'"),
        "destinations[0].endpoint",
        f'{IN_CLEAR} (got "http://127.0.0.1.x.example")',
    ),
    (
        in_destination("max_events_per_second = -1"),
        "destinations[0].max_events_per_second",
        "must be at least 0 (got -1)",
    ),
    (
        in_destination("max_events_per_second = inf"),
        "destinations[0].max_events_per_second",
        "must be a finite number (got inf)",
    ),
    (
        in_destination("max_events_per_second = '9'"),
        "destinations[0].max_events_per_second",
        'must be a number, without quotes (got "9")',
    ),
    (
        in_destination("integrations = 'All'"),
        "destinations[0].integrations",
        'must be a table, such as { key = value } (got "All")',
    ),
    (in_destination("integrations = { a = 2026-01-01 }"), "destinations[0].integrations", NOT_JSON),
    (in_destination("integrations = { a = nan }"), "destinations[0].integrations", NOT_JSON),
    (
        in_destination(f"integrations = {{ a = '{'é' * 2045}' }}"),
        "destinations[0].integrations",
        "must not take more than 4096 bytes as JSON",
    ),
    (
        in_destination("lists = { vip = { external_audience_id = '1' } }"),
        "destinations[0].lists",
        'goes along with calls about one audience only: add calls = "per_audience"',
    ),
    (
        in_destination("calls = 'per_audience'\nlists = { vip = { external_id = '1' } }"),
        "destinations[0].lists.vip.external_id",
        "unknown key; did you mean `external_audience_id`?",
    ),
    (in_destination("gzip = 1"), "destinations[0].gzip", "must be true or false, without quotes (got 1)"),
    (in_destination("gzip = 'yes'"), "destinations[0].gzip", 'must be true or false, without quotes (got "yes")'),
    (in_destination("identity = 'phone'"), "destinations[0].identity", 'must be "email" or "user_id" (got "phone")'),
    (in_destination("timeout = 30"), "destinations[0].timeout", f"{DURATION} (got 30)"),
    (
        in_destination("timeout = '0s'"),
        "destinations[0].timeout",
        'must be more than nothing and at most "1h" (got "0s")',
    ),
    (
        in_destination("timeout = '61m'"),
        "destinations[0].timeout",
        'must be more than nothing and at most "1h" (got "61m")',
    ),
    (in_destination("concurrency = 0"), "destinations[0].concurrency", "must be at least 1 (got 0)"),
    (in_destination("concurrency = 65"), "destinations[0].concurrency", "must be at most 64 (got 65)"),
    (
        in_destination("concurrency = 1.0"),
        "destinations[0].concurrency",
        "must be a whole number, without quotes (got 1.0)",
    ),
    (
        in_destination("concurrency = true"),
        "destinations[0].concurrency",
        "must be a whole number, without quotes (got true)",
    ),
    (in_destination("audiences = 'A'"), "destinations[0].audiences", f'{NOT_A_LIST} (got "A")'),
    (
        in_destination("audiences = []"),
        "destinations[0].audiences",
        "is empty; name an audience, or leave `audiences` out to send all of them",
    ),
    (in_destination("audiences = ['A', 1]"), "destinations[0].audiences[1]", "must be text in quotes (got 1)"),
    (in_destination("audiences = [' ']"), "destinations[0].audiences[0]", 'must not be empty (got " ")'),
    (
        in_destination("audiences = ['A', 'B', 'A']"),
        "destinations[0].audiences[2]",
        "is the same as destinations[0].audiences[0]; keep one of them",
    ),
    (in_destination("contacts = 'a@x'"), "destinations[0].contacts", NOT_A_LIST),
    (
        in_destination("contacts = []"),
        "destinations[0].contacts",
        "is empty; leave `contacts` out to send to everybody, or set `rollout = 0` for nobody",
    ),
    (in_destination("contacts = ['a@x', 5]"), "destinations[0].contacts[1]", "must be text in quotes (got 5)"),
    (in_destination("contacts = ['a@x', 'qa']"), "destinations[0].contacts[1]", f'{NO_ADDRESS} (got "qa")'),
    (in_destination("contacts = ['a b@x']"), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination(r'contacts = ["a\u0085@x"]'), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination("contacts = ['a@b@x']"), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination(f"contacts = ['{'x' * 253}@x']"), "destinations[0].contacts[0]", NO_ADDRESS),
    (in_destination("rollout = 1.5"), "destinations[0].rollout", "must be at most 1 (got 1.5)"),
    (in_destination("rollout = -0.5"), "destinations[0].rollout", "must be at least 0 (got -0.5)"),
    (in_destination("rollout = nan"), "destinations[0].rollout", "must be a finite number (got nan)"),
    (in_destination("rollout = true"), "destinations[0].rollout", f"{NUMBER} (got true)"),
    (in_destination("rollout = '1%'"), "destinations[0].rollout", f'{NUMBER} (got "1%")'),
    (in_destination("retract = 0"), "destinations[0].retract", "must be true or false, without quotes (got 0)"),
    # those of Mailmodo
    (
        in_mailmodo("").replace("api_key", "create_list = true #"),
        "destinations[0].api_key",
        'is missing; add api_key = "${MAILMODO_API_KEY}"',
    ),
    (
        in_mailmodo("").replace("list_name", "create_list = true #"),
        "destinations[0].list_name",
        'is missing; add list_name = "…", the list that the contacts are put on',
    ),
    (in_mailmodo("").replace('"Audiences"', '" "'), "destinations[0].list_name", 'must not be empty (got " ")'),
    (in_mailmodo("reconcile_every = '59s'"), "destinations[0].reconcile_every", TOO_OFTEN),
    (in_mailmodo("").replace("AAAAAAA-", "hunter2 "), "destinations[0].api_key", ONE_WORD),
    (
        in_mailmodo("").replace("AAAAAAA-", "hunter2é"),
        "destinations[0].api_key",
        "must hold plain letters, digits and signs only; copy the key again",
    ),
    (
        in_mailmodo("endpoint = 'api.mailmodo.com'"),
        "destinations[0].endpoint",
        'is not a web address; write it like "https://api.mailmodo.com/api/v1" (got "api.mailmodo.com")',
    ),
    (
        in_mailmodo("endpoint = 'http://x'"),
        "destinations[0].endpoint",
        'would send the api key in clear; use https://, or set `allow_http = true` (got "http://x")',
    ),
    (
        in_mailmodo("max_requests_per_second = -1"),
        "destinations[0].max_requests_per_second",
        "must be at least 0 (got -1)",
    ),
    (in_mailmodo("mode = 'bulk'"), "destinations[0].mode", 'must be "batch" or "single" (got "bulk")'),
    (in_mailmodo("create_list = 1"), "destinations[0].create_list", "must be true or false, without quotes (got 1)"),
    (
        in_mailmodo("identity = 'user_id'"),
        "destinations[0].identity",
        'must be "email": Mailmodo knows its contacts by nothing else (got "user_id")',
    ),
    (in_mailmodo("identity = 'phone'"), "destinations[0].identity", 'must be "email" (got "phone")'),
    (in_mailmodo("timeout = 30"), "destinations[0].timeout", f"{DURATION} (got 30)"),
    (in_mailmodo("list_nam = 'x'"), "destinations[0].list_nam", "unknown key; did you mean `list_name`?"),
    (
        in_mailmodo("write_key = 'hunter2'"),
        "destinations[0].write_key",
        'is a key of type = "segment", and this destination is of type "mailmodo"; change `type`, or use `api_key`',
    ),
    (
        in_mailmodo("concurrency = 4"),
        "destinations[0].concurrency",
        'is a key of type = "segment", and this destination is of type "mailmodo"; change `type`, or take it out',
    ),
    (
        in_destination("list_name = 'x'"),
        "destinations[0].list_name",
        'is a key of type = "mailmodo", and this destination is of type "segment"; change `type`, or take it out',
    ),
    (
        in_destination("max_requests_per_second = 5"),
        "destinations[0].max_requests_per_second",
        'is a key of type = "mailmodo", and this destination is of type "segment"; change `type`, or use'
        " `max_events_per_second`",
    ),
    # the guard
    ("guard = 5" + MINIMAL, "guard", "must be a table, under a header of its own (got 5)"),
    (in_guard("max_removed_fraction = 25"), "guard.max_removed_fraction", "must be at most 1 (got 25)"),
    (in_guard("max_removed_fraction = -0.1"), "guard.max_removed_fraction", "must be at least 0 (got -0.1)"),
    (in_guard("min_removed = -1"), "guard.min_removed", "must be at least 0 (got -1)"),
    (in_guard("min_removed = 0.5"), "guard.min_removed", f"{WHOLE_NUMBER} (got 0.5)"),
    (in_guard("max_added_fraction = -1"), "guard.max_added_fraction", "must be at least 0 (got -1)"),
    (in_guard("max_added_fraction = inf"), "guard.max_added_fraction", "must be a finite number (got inf)"),
    (in_guard("min_added = true"), "guard.min_added", f"{WHOLE_NUMBER} (got true)"),
    (in_guard("hold_initial = 1"), "guard.hold_initial", "must be true or false, without quotes (got 1)"),
    (in_guard("ready = true"), "guard.ready", "must be text in quotes (got true)"),
    (in_guard("ready = ' '"), "guard.ready", 'must not be empty (got " ")'),
    # the console
    (
        "[console]\nserved = true\n[health]\nlisten = '0.0.0.0:9464'\n" + MINIMAL,
        "console.served",
        "shows people, and asks nobody who looks; set a `token`, or a [health] listen that only this machine reaches,"
        ' such as "127.0.0.1:9464"',
    ),
    ("[console]\ntoken = 'short'\n" + MINIMAL, "console.token", TOKEN),
    (f"[console]\ntoken = '{'é' * 30}'\n" + MINIMAL, "console.token", TOKEN),
    (f"[console]\ntoken = '{'a b ' * 30}'\n" + MINIMAL, "console.token", ONE_WORD),
    ("[console]\nhosts = ['a.example:80']\n" + MINIMAL, "console.hosts[0]", f'{HOST} (got "a.example:80")'),
    ("[console]\nhosts = ['']\n" + MINIMAL, "console.hosts[0]", f'{HOST} (got "")'),
    # the history
    (in_history("keep = 400"), "history.keep", f"{DURATION} (got 400)"),
    (in_history("keep = '0d'"), "history.keep", f'{KEEP} (got "0d")'),
    (in_history("keep = '36501d'"), "history.keep", f'{KEEP} (got "36501d")'),
    # the log
    (in_log("format = 'xml'"), "log.format", 'must be "auto", "human" or "json" (got "xml")'),
    (in_log("level = 5"), "log.level", 'must be "DEBUG", "INFO", "WARNING" or "ERROR" (got 5)'),
    (
        in_log(f"level = '{'x' * 100}'"),
        "log.level",
        f'must be "DEBUG", "INFO", "WARNING" or "ERROR" (got "{"x" * 59}…)',
    ),
]
