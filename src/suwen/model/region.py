"""A region: whose records they are, who sends what by which template, and where its folders lie; frozen, without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from suwen.base.errors import Place
from suwen.model.receipt import Mode

FIRST_DAY = date(1900, 1, 1)  # an organisation whose first day nobody wrote down holds from here

_BYTES = {"MiB": 1 << 20, "GiB": 1 << 30, "MB": 10**6, "GB": 10**9}
_LEAST_MIB = 128


ENGINES = ("duckdb", "spark")


@dataclass(frozen=True)
class Spark:
    """Where Spark runs. `master`: its address, "" for this machine with as many cores as `threads`; `config`: further settings by their names in Spark."""

    master: str = ""
    config: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Settings:
    """What the engine may use. `memory` as DuckDB writes it (`4GiB`); `piece_mb`: size of the pieces files are cut into; `id_bits` below 63 only in tests.

    `engine`: which one makes releases, one of ENGINES.
    """

    threads: int
    memory: str = "4GiB"
    piece_mb: int = 64
    id_bits: int = 63
    engine: str = "duckdb"
    spark: Spark = Spark()

    def share(self, parts: int) -> Settings:
        """The same with one of so many equal parts of the memory, at least 128 MiB: for a process that has several engines at once."""
        number, unit = int("".join(filter(str.isdigit, self.memory))), "".join(filter(str.isalpha, self.memory))
        return replace(self, memory=f"{max(_LEAST_MIB, number * _BYTES[unit] // parts >> 20)}MiB")


@dataclass(frozen=True)
class Bucket:
    """How addresses that begin with s3:// are reached. `endpoint`: http or https address, "" for Amazon's of the `region`; `path_style`: the bucket's name
    stands in the path, not in the host.

    `key_id`, `secret` and `token` are references, `env:NAME` or `file:PATH`, never the words themselves. `ca`: a PEM file of authorities, "" for the
    system's. `cache_gb`: how much of this machine's disk copies may take, 0 for no bound; `lease_seconds`: after which silence a writer counts as dead.
    """

    endpoint: str = ""
    region: str = "us-east-1"
    path_style: bool = True
    ca: str = ""
    key_id: str = "env:AWS_ACCESS_KEY_ID"
    secret: str = "env:AWS_SECRET_ACCESS_KEY"
    token: str = ""
    cache_gb: int = 0
    lease_seconds: int = 60


@dataclass(frozen=True)
class Server:
    """How the region is served. `public`: its https address behind a proxy, "" for the own machine alone; `database`: of the control data, "" for control.db.

    `access`: who may use the command line: "owner" (who can read the folder) or "server" (who has a token).
    `second_factor`: who needs one: "administrators", "everybody" or "nobody". `log`: of the server, "plain" lines of errors, or every request as "json".
    """

    address: str = "127.0.0.1"
    port: int = 8080
    public: str = ""
    database: str = ""
    access: str = "owner"
    second_factor: str = "nobody"
    log: str = "plain"


@dataclass(frozen=True)
class Keep:
    """Which releases maintenance keeps: the last so many, the newest of each of the last so many months, and those named by number.

    `grace_hours`: how long the files of a removed release stay for who has it open. `releases` at least 1: the newest always stays.
    """

    releases: int = 30
    months: int = 36
    named: tuple[int, ...] = ()
    grace_hours: int = 24


@dataclass(frozen=True)
class Organisation:
    """One row of organisations.csv: an organisation as it was from `valid_from` to `valid_to` (None: still is). `zone`: IANA name."""

    organisation_id: str
    place: Place
    name_en: str
    name_zh: str
    parent: str
    level: str
    kind: str
    division: str
    zone: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Feed:
    """What one system of one organisation sends: by which template, in which mode unless told otherwise when landing.

    `as_of`: regular expression over file names with the group `date`, or the groups `year`, `month`, `day`; "" where names tell no date.
    `key_systems`: target -> key system, where feeds of an organisation name the same things by the same keys (or must not).
    """

    name: str
    place: Place
    template: str
    organisation: str
    mode: Mode
    as_of: str = ""
    key_systems: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Collision:
    """An exception: the entity whose key has this md5 (32 hex digits) takes `replacement` instead of the id that another key has too."""

    id: int
    key_md5: str
    replacement: int
    place: Place


@dataclass(frozen=True)
class Region:
    """A region's folder as read and checked. `zone`: of organisations that name none. `history`: every row of organisations.csv.

    `organisations`: by id, the row that holds last. `folder`, `lake` and `landing` are absolute. Where the lake or the landing is kept in a bucket, at
    `lake_address` or `landing_address`, its folder holds copies of what was read and written on this machine.
    """

    folder: Path
    name: str
    zone: str
    packs: tuple[str, ...]
    settings: Settings
    lake: Path
    landing: Path
    feeds: Mapping[str, Feed]
    organisations: Mapping[str, Organisation]
    history: tuple[Organisation, ...] = ()
    collisions: tuple[Collision, ...] = ()
    server: Server = Server()
    lake_address: str = ""
    landing_address: str = ""
    bucket: Bucket = Bucket()
    keep: Keep = Keep()

    @property
    def pack_folder(self) -> Path:
        """The region's own packs, laid over those that Suwen ships."""
        return self.folder / "packs"

    @property
    def releases(self) -> Path:
        """Where releases are published."""
        return self.lake / "releases"

    @property
    def staging(self) -> Path:
        """Where the text of source records is staged."""
        return self.lake / "staging"

    @property
    def pools(self) -> Path:
        """Where small receipts are staged together."""
        return self.lake / "pools"

    @property
    def vocabulary(self) -> Path:
        """Where loaded vocabularies are kept, each in a folder named by its hash."""
        return self.lake / "vocabulary"

    @property
    def scratch(self) -> Path:
        """Where the engine spills what does not fit into memory; may be emptied while nothing runs."""
        return self.lake / ".scratch"

    @property
    def replacements(self) -> Mapping[str, int]:
        """The exceptions: md5 of a key -> the id it takes."""
        return {c.key_md5: c.replacement for c in self.collisions}

    def zone_of(self, feed: Feed) -> str:
        """The IANA zone in which a feed writes its local times."""
        return self.organisations[feed.organisation].zone
