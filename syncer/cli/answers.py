"""How `verify` and `explain` show what they found."""

from collections.abc import Mapping
from typing import Any

from syncer import audit
from syncer.cli import screen

_WHY = {
    "missing": "in the warehouse, and the destination was not told",
    "lingering": "the destination believes true, and the warehouse no longer has it",
    "outdated": "the destination was told another value, email or trait",
    "not_in_state": "the history says that it was accepted, and the state does not have it",
    "not_in_history": "the state has it, and the history does not say how it came there",
    "told_both": "the state says true and false at once",
    "count": "does not add up",
}


def print_audit(found: audit.Audit) -> None:
    """Prints a comparison, destination by destination."""
    for destination in found.destinations:
        verdict = screen.words("history = state = warehouse", style="green")
        if destination.differences:
            verdict = screen.words(f"{destination.differences:,} differences", style="red")
        screen.stdout.print(screen.words((destination.name, "bold"), "  ", verdict))
        for difference in destination.examples:
            name = difference.contact or ""
            detail = difference.detail or _WHY[difference.why]
            screen.stdout.print(screen.words(f"  {difference.property}  {name}  {detail}"))
        if destination.differences > len(destination.examples):
            screen.stdout.print(
                screen.words(f"  and {destination.differences - len(destination.examples):,} more", style="dim")
            )
        for reason, count in destination.listed.items():
            screen.stdout.print(screen.words(f"  {count:,} {reason}: no difference", style="dim"))
    for each in found.paused:
        what = each["audience"] or "everything"
        where = f" at {each['destination']}" if each["destination"] else ""
        screen.stdout.print(screen.words(f"paused: {what}{where}", style="yellow"))
    for problem in found.problems:
        screen.stdout.print(screen.words(f"set aside: {problem['audience']}: {problem['problem']}", style="yellow"))


def _why_not(row: Mapping[str, Any]) -> str | None:
    """Why a row of the warehouse is not told, in words."""
    since = f"since {row['since']:%Y-%m-%d %H:%M}" if row["since"] else None
    return " ".join(filter(None, (row["problem"], since, row["because"] and f"({row['because']})"))) or None


def print_story(story: audit.Story) -> None:
    """Prints everything about one person."""
    known = ", ".join([*story.contacts, *(f"user {user}" for user in story.users if user not in story.contacts)])
    screen.stdout.print(screen.words((story.who, "bold"), "  ", known))
    if story.forgotten:
        screen.stdout.print(
            screen.words("to be forgotten: skipped for as long as the warehouse has it", style="yellow")
        )
    said = [{**row, "problem": _why_not(row)} for row in story.warehouse]
    screen.print_table("the warehouse says", said, ("audience", "user_id", "email", "problem"))
    if not story.warehouse:
        screen.stdout.print("the warehouse says nothing")
    for destination in story.destinations:
        screen.stdout.print(screen.words(destination["name"], style="bold"))
        for contact in destination.get("out_of_reach", ()):
            screen.stdout.print(
                screen.words(f"  {contact} is out of this destination's contacts and rollout", style="yellow")
            )
        screen.print_table(
            "was told",
            destination["told"],
            ("contact", "property", "value", "user_id", "since", "uncertain", "left_because"),
        )
        screen.print_table(
            "is to be told by the next run", destination["pending"], ("contact", "property", "op", "value", "waits")
        )
        screen.print_table("held", destination["held"], ("contact", "audience", "op", "reason", "since", "approved_at"))
        screen.print_table("refused", destination["refused"], ("contact", "reason", "tries", "next_try_run_id"))
        screen.print_table("skipped", destination["skipped"], ("audience", "user_id", "email", "reason", "since"))
    screen.print_table(
        "history", story.history, ("run_id", "destination", "audience", "contact", "op", "value", "status")
    )
