"""The first tables: roots, files, scans, locations, links, values, problems.

Written out rather than taken from the package: a migration must still do the same when the package has moved on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_number: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")


def _reference(column: str, table: str, target: str, *, cascade: bool = True) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"{target}.id"],
        name=f"fk_{table}_{column}_{target}",
        ondelete="CASCADE" if cascade else None,
    )


def upgrade() -> None:
    """Make the tables."""
    _places()
    _scans()
    _values()


def _places() -> None:
    op.create_table(
        "root",
        sa.Column("id", _whole, nullable=False),
        sa.Column("uri", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_root"),
        sa.UniqueConstraint("kind", "uri", name="uq_root_kind_uri"),
        sqlite_strict=True,
    )
    op.create_table(
        "file",
        sa.Column("id", _whole, nullable=False),
        sa.Column("root_id", _whole, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("size", _whole, nullable=False),
        sa.Column("mtime_ns", _whole, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("provisional", _whole, nullable=False),
        sa.Column("extractor", _whole, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_file"),
        sa.UniqueConstraint("root_id", "path", name="uq_file_root_id_path"),
        _reference("root_id", "file", "root"),
        sqlite_strict=True,
    )
    op.create_table(
        "problem",
        sa.Column("id", _whole, nullable=False),
        sa.Column("root_id", _whole, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_problem"),
        sa.UniqueConstraint("root_id", "path", "stage", name="uq_problem_root_id_path_stage"),
        _reference("root_id", "problem", "root"),
        sqlite_strict=True,
    )


def _scans() -> None:
    op.create_table(
        "scan",
        sa.Column("id", _whole, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("proposal", sa.Text, nullable=False),
        sa.Column("visit", sa.Text, nullable=False),
        sa.Column("number", _whole),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sample", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("macro", sa.Text, nullable=False),
        sa.Column("start_time", sa.Text),
        sa.Column("end_time", sa.Text),
        sa.Column("points", _whole, nullable=False),
        sa.Column("energy_kev", _number),
        sa.Column("energy_origin", sa.Text),
        sa.Column("temperature_k", _number),
        sa.Column("temperature_min_k", _number),
        sa.Column("temperature_max_k", _number),
        sa.Column("temperature_origin", sa.Text),
        sa.Column("running", _whole, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scan"),
        sa.UniqueConstraint("key", "proposal", "visit", name="uq_scan_key_proposal_visit"),
        sqlite_strict=True,
    )
    for columns in (["number"], ["sample"], ["start_time"], ["energy_kev"], ["temperature_min_k", "temperature_max_k"]):
        op.create_index(f"ix_scan_{'_'.join(columns)}", "scan", columns)
    op.create_table(
        "location",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("file_id", _whole, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "file_id", name="pk_location"),
        _reference("scan_id", "location", "scan"),
        _reference("file_id", "location", "file"),
        sqlite_strict=True,
    )
    op.create_index("ix_location_file_id", "location", ["file_id"])
    op.create_table(
        "link",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("inner_path", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "detector", name="pk_link"),
        _reference("scan_id", "link", "scan"),
        sqlite_strict=True,
    )


def _values() -> None:
    op.create_table(
        "field",
        sa.Column("id", _whole, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_field"),
        sa.UniqueConstraint("name", "origin", name="uq_field_name_origin"),
        sqlite_strict=True,
    )
    op.create_table(
        "value",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("field_id", _whole, nullable=False),
        sa.Column("number", _number),
        sa.Column("maximum", _number),
        sa.Column("first", _number),
        sa.Column("mean", _number),
        sa.Column("text", sa.Text),
        sa.Column("points", _whole),
        sa.Column("nan_count", _whole, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "field_id", name="pk_value"),
        _reference("scan_id", "value", "scan"),
        _reference("field_id", "value", "field", cascade=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_value_field_id_number_maximum", "value", ["field_id", "number", "maximum"])
