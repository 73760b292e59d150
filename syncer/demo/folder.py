"""The folder of a demo: its configuration, which is written afresh each time, beside the state that it makes."""

from pathlib import Path

from syncer import errors, owners
from syncer.demo.shop import MEMBERSHIP_TABLE, QUERY_AUDIENCE, statement

WRITE_KEY = "demo-write-key"
API_KEY = "DEMODEM-ODEMODE-MODEMOD-EMODEMO"
LIST = "Audiences"

_MARK = "# Written by `syncer demo`"
_CONFIG = """{mark}, which starts over and writes it afresh each time: copy it to make it your own.

[warehouse]
# The shop. It lives in the PostgreSQL that syncer keeps in .syncer, which runs as long as a command runs. Its address
# follows from where this folder is: after moving the folder, run `syncer demo` again.
url = "{url}"

[warehouse.membership]
table = "{table}"

[[audiences]]
name = "{audience}"
query = '''
{query}
'''

[suppress]
query = "SELECT email FROM shop.unsubscribed"

[state]
data_dir = "./.syncer"

[[destinations]]
# Stands for Segment, on this machine. It listens only while `syncer demo` runs; `syncer demo --stay` keeps it up.
name = "segment"
type = "segment"
write_key = "{key}"
endpoint = "{endpoint}"
max_events_per_second = 0    # no limit; Segment asks for at most 1000, the default

[[destinations]]
# Stands for Mailmodo's own API, in the same way.
name = "mailmodo"
type = "mailmodo"
api_key = "{api_key}"
list_name = "{list_name}"
endpoint = "{mailmodo}"
max_requests_per_second = 0  # no limit; Mailmodo's plans allow 5, 10 or 50
"""


def prepare(folder: Path) -> None:
    """Makes the folder if need be. Raises `ConfigError` for one that holds anything but an earlier demo."""
    config = folder / "syncer.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if owner := owners.stranger(folder):
            raise errors.ConfigError([errors.Problem("--folder", f"{folder} belongs to {owner}. Name another folder")])
        if not any(folder.iterdir()):
            config.write_text(f"{_MARK}, which has not come far.\n", encoding="utf-8")
        if config.exists() and config.read_bytes().startswith(_MARK.encode()):
            return
    except OSError as error:
        problem = errors.Problem("--folder", f"{folder} cannot be used: {error.strerror}")
        raise errors.ConfigError([problem]) from error
    problem = errors.Problem(
        "--folder", f"{folder} holds something else than an earlier demo; it was left as it is. Name another folder"
    )
    raise errors.ConfigError([problem])


def write_config(folder: Path, url: str, endpoint: str, mailmodo: str) -> None:
    """Writes the configuration: the database at `url`, and where the receivers listen."""
    text = _CONFIG.format(
        mark=_MARK,
        url=url,
        table=MEMBERSHIP_TABLE,
        audience=QUERY_AUDIENCE,
        query=statement("big_basket"),
        key=WRITE_KEY,
        endpoint=endpoint,
        api_key=API_KEY,
        list_name=LIST,
        mailmodo=mailmodo,
    )
    (folder / "syncer.toml").write_text(text, encoding="utf-8")
