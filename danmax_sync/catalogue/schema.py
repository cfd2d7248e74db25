"""The tables, once, for SQLite and PostgreSQL.

::

    root ──< file ──< location >── scan ──< value  >── field
              │          └──< link     └──< series >──┘
              ├── detector_file      what is in a detector file, without its pixels
              └── pattern_file       what is in a file of integrated patterns
    problem: what could not be read, a row a file and stage
    saved_query: `@name`
    mark ──▶ scan                  what the user says of a scan: its sample, tags, notes
    logbook ──< log_entry ──< log_link ──▶ scan

A scan's identity is not its place: one scan has several locations, and links are resolved where each stands. Every
file has a row of its own, detector files too, because a master does not change when its detector file arrives later.
SQLite tables are STRICT, so that a numpy scalar raises instead of becoming a BLOB. `value` holds scalars and `series`
columns of points, keyed by integers and stored without row ids, each with a covering index for ranges: a third of the
bytes and none of the scans of a text-keyed table.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.sqlite import REAL
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Whole = BigInteger().with_variant(Integer(), "sqlite")
Number: TypeEngine[float] = Double().with_variant(REAL(), "sqlite")

root = Table(
    "root",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unsettled", Whole, nullable=False, server_default="1"),
    UniqueConstraint("kind", "uri"),
    sqlite_strict=True,
)
"""Where files are: a remote (its name) or a local folder (its path). `unsettled` while states are not worked out."""

file = Table(
    "file",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("root_id", Whole, ForeignKey("root.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", Whole, nullable=False),
    Column("mtime_ns", Whole, nullable=False),
    Column("ctime_ns", Whole),
    Column("inode", Text),
    Column("state", Text, nullable=False),
    Column("provisional", Whole, nullable=False, default=0),
    Column("extractor", Whole, nullable=False, default=0),
    UniqueConstraint("root_id", "path"),
    sqlite_strict=True,
)
"""`path` from the root; `kind` master, data or patterns; `state` present or missing; `extractor` the version that read
it, 0 for none. An inode is a text: 64 bits without a sign do not fit into a database's integer."""

scan = Table(
    "scan",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("key", Text, nullable=False),
    Column("proposal", Text, nullable=False, default=""),
    Column("visit", Text, nullable=False, default=""),
    Column("number", Whole),
    Column("entry", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("sample", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("macro", Text, nullable=False),
    Column("start_time", Text),
    Column("end_time", Text),
    Column("points", Whole, nullable=False),
    Column("exposure_s", Number),
    Column("energy_kev", Number),
    Column("energy_origin", Text),
    Column("temperature_k", Number),
    Column("temperature_min_k", Number),
    Column("temperature_max_k", Number),
    Column("temperature_origin", Text),
    Column("running", Whole, nullable=False, default=0),
    Column("state", Text, nullable=False),
    Column("folder", Text),
    UniqueConstraint("key", "proposal", "visit"),
    Index(None, "number"),
    Index(None, "sample"),
    Index(None, "start_time"),
    Index(None, "energy_kev"),
    Index(None, "temperature_min_k", "temperature_max_k"),
    sqlite_strict=True,
)
"""Times are ISO-8601 in UTC, which sorts as text. `path` is the master's from the visit's folder. `folder` is the
sample as the master's folder calls it; `sample` is the same until the user calls it otherwise (`marks.py`)."""

location = Table(
    "location",
    metadata,
    Column("scan_id", Whole, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True),
    Column("file_id", Whole, ForeignKey("file.id", ondelete="CASCADE"), primary_key=True),
    Column("prefix", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index(None, "file_id"),
    sqlite_strict=True,
)
"""A place of a scan: its master there. `prefix` leads from the root to the visit's folder, empty or ending in /."""

link = Table(
    "link",
    metadata,
    Column("scan_id", Whole, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True),
    Column("file_id", Whole, ForeignKey("file.id", ondelete="CASCADE"), primary_key=True),
    Column("detector", Text, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("inner_path", Text, nullable=False),
    Column("target", Text),
    Column("integrated", Text),
    Column("state", Text, nullable=False),
    Column("problem", Text, nullable=False, default=""),
    Index(None, "file_id"),
    sqlite_strict=True,
)
"""A detector file that a scan needs, as seen from one master (`file_id`).

`target` from the visit's folder; NULL where the link must not be followed, with the reason in `problem`. `integrated`
is where patterns of it are, from the same folder. `state` is one of `LinkState`.
"""

field = Table(
    "field",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    UniqueConstraint("name", "origin"),
    sqlite_strict=True,
)
"""A name of the snapshot, a motor or a channel."""

value = Table(
    "value",
    metadata,
    Column("scan_id", Whole, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True),
    Column("field_id", Whole, ForeignKey("field.id"), primary_key=True),
    Column("number", Number),
    Column("text", Text),
    Column("nan", Whole, nullable=False, default=0),
    Index(None, "field_id", "number"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""A scalar of the snapshot. SQLite stores NaN as NULL: `nan` tells it from what could not be read. Whole numbers are
kept in double precision, too."""

series = Table(
    "series",
    metadata,
    Column("scan_id", Whole, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True),
    Column("field_id", Whole, ForeignKey("field.id"), primary_key=True),
    Column("points", Whole, nullable=False),
    Column("nan_count", Whole, nullable=False),
    Column("first", Number),
    Column("minimum", Number),
    Column("maximum", Number),
    Column("mean", Number),
    Index(None, "field_id", "minimum", "maximum"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
"""A motor or channel with a value a point, reduced; NaN and infinities are counted and left out of the others."""

detector_file = Table(
    "detector_file",
    metadata,
    Column("file_id", Whole, ForeignKey("file.id", ondelete="CASCADE"), primary_key=True),
    Column("inner_path", Text, primary_key=True),
    Column("size", Whole, nullable=False),
    Column("mtime_ns", Whole, nullable=False),
    Column("frames", Whole),
    Column("frame_shape", Text),
    Column("dtype", Text),
    Column("chunks", Text),
    Column("compression", Text),
    Column("energy_ev", Number),
    Column("threshold_ev", Number),
    Column("exposure_s", Number),
    Column("problem", Text, nullable=False, default=""),
    sqlite_strict=True,
)
"""What a detector file holds where a link points, as of `size` and `mtime_ns`; shapes are spelled ``1679×1475``."""

pattern_file = Table(
    "pattern_file",
    metadata,
    Column("file_id", Whole, ForeignKey("file.id", ondelete="CASCADE"), primary_key=True),
    Column("size", Whole, nullable=False),
    Column("mtime_ns", Whole, nullable=False),
    Column("generation", Text),
    Column("unit", Text),
    Column("patterns", Whole),
    Column("bins", Whole),
    Column("sectors", Whole),
    Column("problem", Text, nullable=False, default=""),
    sqlite_strict=True,
)
"""What a file of integrated patterns holds; `generation` A, B or C, `unit` q or 2th, `sectors` of a cake."""

problem = Table(
    "problem",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("root_id", Whole, ForeignKey("root.id", ondelete="CASCADE"), nullable=False),
    Column("path", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    UniqueConstraint("root_id", "path", "stage"),
    sqlite_strict=True,
)
"""Kept until the file reads well again."""

saved_query = Table(
    "saved_query",
    metadata,
    Column("name", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("saved_at", Text, nullable=False),
    sqlite_strict=True,
)
"""A query under a name, used as ``@name`` in others."""

mark = Table(
    "mark",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("scan_id", Whole, ForeignKey("scan.id", ondelete="SET NULL")),
    Column("key", Text, nullable=False),
    Column("proposal", Text, nullable=False),
    Column("visit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Index(None, "scan_id"),
    Index(None, "kind", "text"),
    sqlite_strict=True,
)
"""What the user says of a scan; `kind` sample, tag or note. It outlives the scan's row: `key`, `proposal` and `visit`
say whose it is, and a scan that comes back gets it back."""

logbook = Table(
    "logbook",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("synced_to", Text),
    Column("linked", Text),
    UniqueConstraint("url"),
    sqlite_strict=True,
)
"""An electronic logbook. Up to `synced_to` all its changes are here; `linked` says which scans its entries were last
compared with."""

log_entry = Table(
    "log_entry",
    metadata,
    Column("id", Whole, primary_key=True),
    Column("logbook_id", Whole, ForeignKey("logbook.id", ondelete="CASCADE"), nullable=False),
    Column("number", Whole, nullable=False),
    Column("thread", Whole, nullable=False),
    Column("follows", Whole),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("authors", Text, nullable=False),
    Column("created_at", Text),
    Column("version", Text, nullable=False),
    UniqueConstraint("logbook_id", "number"),
    sqlite_strict=True,
)
"""An entry, as plain text; `number`, `thread` (its first entry) and `follows` are the logbook's. `version` of a thread
is on its first entry, and tells whether it has to be read again."""

log_link = Table(
    "log_link",
    metadata,
    Column("scan_id", Whole, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True),
    Column("entry_id", Whole, ForeignKey("log_entry.id", ondelete="CASCADE"), primary_key=True),
    Column("how", Text, nullable=False),
    Index(None, "entry_id"),
    sqlite_strict=True,
)
"""An entry that speaks of a scan: `how` is number, file, answer or time. Worked out, never typed."""

HEAD_REVISION = "0003"
"""The migration these tables are the result of; known here so that opening a catalogue needs no Alembic."""
