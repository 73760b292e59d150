"""Plays a Dockerfile without Docker: each of its steps, in a root of its own, as far as our file has such steps.

A base image is a copy of a root that the caller brings. Whatever the file says that is not played here is an error.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ENTER = """
set -e
root=$1; shift
[ "$NETWORK" = host ] || "$PYTHON" -c "$LOOPBACK"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
for volume in $VOLUMES; do
    mount --bind "$VOLUME_DATA$volume" "$root$volume"
done
if [ "$READ_ONLY" = yes ]; then
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -o remount,bind,ro "$root"
fi
exec chroot "$root" "$@"
"""
"""What makes a container of a root, in namespaces of its own. What comes after the root is executed in it."""

LOOPBACK = """
import fcntl, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
"""

ROOT = ("setpriv", "--reuid=0", "--regid=0", "--clear-groups")


class NotPlayedError(Exception):
    """The file says something that is not played here."""


@dataclass(frozen=True)
class Image:
    """What the steps of a stage have made so far."""

    root: Path
    environment: Mapping[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    folder: str = "/"
    user: str = "0"
    volumes: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"

    def argv(self, *command: str, user: tuple[str, ...] = ROOT) -> list[str]:
        """A command in the root, with the environment and the folder of the image and nothing else of the host's."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        at = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", self.folder]
        return [str(self.root), *user, "env", "-i", *variables, *at, *command]


@dataclass(frozen=True)
class Container:
    """A read-only image, with volumes that may be written, a loopback of its own and no other network."""

    image: Image
    data: Path
    """Where the volumes lie."""

    user: tuple[str, ...]

    @classmethod
    def of(cls, image: Image, data: Path, uid: int, gid: int) -> "Container":
        """Its volumes begin with what the image has there."""
        for volume in image.volumes:
            target = data / volume.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", image.root / volume.lstrip("/"), target], check=True)
        bare = ("--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")
        return cls(image, data, ("setpriv", f"--reuid={uid}", f"--regid={gid}", *bare))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The entrypoint with arguments, to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The entrypoint with arguments, or with what the image says."""
        command = [*self.image.entrypoint, *(arguments or self.image.command)]
        enter = {"READ_ONLY": "yes", "VOLUMES": " ".join(self.image.volumes), "VOLUME_DATA": str(self.data)}
        return subprocess.Popen(
            entered(self.image.argv(*command, user=self.user), "--net"),
            env=entering(enter),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def is_healthy(self, process: subprocess.Popen[str]) -> bool:
        """What the image's own health check says of what was started."""
        inside = ["nsenter", f"--target={first_process(process)}", "--mount", "--pid", "--net", "chroot"]
        command = self.image.argv(*self.image.health, user=self.user)
        return subprocess.run([*inside, *command], capture_output=True, check=False).returncode == 0

    def stop(self, process: subprocess.Popen[str]) -> None:
        """As Docker does: the image's signal, to the first process."""
        signal = self.image.stop_signal.removeprefix("SIG")
        subprocess.run(["kill", f"-{signal}", str(first_process(process))], check=True)


def first_process(process: subprocess.Popen[str]) -> int:
    """The number, outside, of the process that has number 1 in its namespace."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())


def entered(argv: list[str], *namespaces: str) -> list[str]:
    return ["unshare", "--mount", "--pid", *namespaces, "--fork", "--kill-child", "sh", "-c", ENTER, "sh", *argv]


def entering(settings: Mapping[str, str]) -> dict[str, str]:
    nothing = {"READ_ONLY": "no", "NETWORK": "none", "VOLUMES": "", "VOLUME_DATA": ""}
    return {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "LOOPBACK": LOOPBACK, **nothing, **settings}


def played(file: Path, context: Path, base: Path, work: Path, arguments: Mapping[str, str]) -> Image:
    """The image that the last stage of the file makes of the context.

    `base` stands for every base image. `arguments` are in the environment of each RUN, as Docker's arguments for
    proxies are.
    """
    stages: dict[str, Image] = {}
    image = name = None
    for number, (word, rest) in enumerate(steps(file.read_text(encoding="utf-8"))):
        if word == "FROM":
            found = re.fullmatch(r"\S+(?: AS (\w+))?", rest)
            name = str(number) if found is None or found[1] is None else found[1]
            image = Image(work / name)
            subprocess.run(["cp", "-a", "--reflink=auto", base, image.root], check=True)
        elif image is None:
            raise NotPlayedError(f"{word} before FROM")
        else:
            image = step(image, word, rest, Stages(context, stages, arguments))
        stages[str(name)] = image
    if image is None:
        raise NotPlayedError("nothing")
    return image


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The instructions, each on one line."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


@dataclass(frozen=True)
class Stages:
    """What the steps of a stage may refer to."""

    context: Path
    earlier: Mapping[str, Image]
    arguments: Mapping[str, str]


def step(image: Image, word: str, rest: str, stages: Stages) -> Image:  # noqa: C901, an arm for each instruction
    """The image after one instruction."""
    match word:
        case "RUN":
            run(image, rest, stages.arguments)
            return image
        case "COPY":
            copy(image, rest, stages)
            return image
        case "ENV":
            return replace(image, environment={**image.environment, **assignments(image, rest)})
        case "WORKDIR":
            (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(image, folder=rest)
        case "VOLUME":
            return replace(image, volumes=(*image.volumes, *rest.split()))
        case "USER":
            return replace(image, user=rest)
        case "STOPSIGNAL":
            return replace(image, stop_signal=rest)
        case "ENTRYPOINT":
            return replace(image, entrypoint=words(rest))
        case "CMD":
            return replace(image, command=words(rest))
        case "HEALTHCHECK":
            return replace(image, health=words(rest.partition("CMD ")[2]))
        case _:
            raise NotPlayedError(word)


def run(image: Image, command: str, arguments: Mapping[str, str]) -> None:
    if command.startswith(("[", "--")) or image.user != "0":
        raise NotPlayedError(f"RUN {command} as {image.user}")
    given = replace(image, environment={**arguments, **image.environment})
    argv = entered(given.argv("/bin/sh", "-c", command))
    done = subprocess.run(
        argv, env=entering({"NETWORK": "host"}), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"RUN {command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def copy(image: Image, rest: str, stages: Stages) -> None:
    """One or more files, or one folder, of which the content is copied."""
    origin = re.fullmatch(r"(?:--from=(\w+) )?([^-].*) (\S+)", rest)
    if origin is None:
        raise NotPlayedError(f"COPY {rest}")
    source = stages.context if origin[1] is None else stages.earlier[origin[1]].root
    target = image.root / os.path.join(image.folder, origin[3]).lstrip("/")  # noqa: PTH118, an absolute one wins
    for name in origin[2].split():
        found = source / name.lstrip("/")
        if found.is_dir():
            subprocess.run(["cp", "-a", "--no-preserve=ownership", f"{found}/.", made(target)], check=True)
        else:
            shutil.copy(found, made(target) if origin[3].endswith("/") else target)


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def assignments(image: Image, rest: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in rest.split()]
    if not all(separator for _, separator, _ in pairs):
        raise NotPlayedError(f"ENV {rest}")
    return {
        name: re.sub(r"\$(\w+)", lambda found: image.environment.get(found[1], ""), value) for name, _, value in pairs
    }


def words(rest: str) -> tuple[str, ...]:
    """A command as a list of words: the other form would need a shell."""
    try:
        return tuple(json.loads(rest))
    except ValueError:
        raise NotPlayedError(rest) from None
