"""Scalars and series apart, links where each master stands, facts of detector and pattern files, saved queries.

Written out rather than taken from the package: a migration must still do the same when the package has moved on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
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
    """Add what is new; split `value`; give every location its links. All roots get their states worked out anew."""
    # Plain ADD COLUMN rather than batch mode: no table is copied and no foreign key has to hold its breath.
    op.add_column("root", sa.Column("unsettled", _whole, nullable=False, server_default="1"))
    op.add_column("file", sa.Column("ctime_ns", _whole))
    op.add_column("file", sa.Column("inode", sa.Text))
    op.add_column("scan", sa.Column("exposure_s", _number))
    _split_values()
    _place_links()
    _facts()
    op.create_table(
        "saved_query",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("saved_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_saved_query"),
        sqlite_strict=True,
    )


def _split_values() -> None:
    op.drop_index("ix_value_field_id_number_maximum", "value")
    op.rename_table("value", "value_0001")
    if op.get_bind().dialect.name == "postgresql":
        # PostgreSQL keeps the names of constraints when a table is renamed; they are unique in a schema.
        for name in ("pk_value", "fk_value_scan_id_scan", "fk_value_field_id_field"):
            op.execute(f"ALTER TABLE value_0001 RENAME CONSTRAINT {name} TO {name}_0001")
    op.create_table(
        "value",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("field_id", _whole, nullable=False),
        sa.Column("number", _number),
        sa.Column("text", sa.Text),
        sa.Column("nan", _whole, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "field_id", name="pk_value"),
        _reference("scan_id", "value", "scan"),
        _reference("field_id", "value", "field", cascade=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("field_id", _whole, nullable=False),
        sa.Column("points", _whole, nullable=False),
        sa.Column("nan_count", _whole, nullable=False),
        sa.Column("first", _number),
        sa.Column("minimum", _number),
        sa.Column("maximum", _number),
        sa.Column("mean", _number),
        sa.PrimaryKeyConstraint("scan_id", "field_id", name="pk_series"),
        _reference("scan_id", "series", "scan"),
        _reference("field_id", "series", "field", cascade=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO value (scan_id, field_id, number, text, nan) "
        "SELECT v.scan_id, v.field_id, v.number, v.text, v.nan_count FROM value_0001 v "
        "JOIN field f ON f.id = v.field_id WHERE f.origin = 'snapshot'"
    )
    op.execute(
        "INSERT INTO series (scan_id, field_id, points, nan_count, first, minimum, maximum, mean) "
        "SELECT v.scan_id, v.field_id, coalesce(v.points, 0), v.nan_count, v.first, v.number, v.maximum, v.mean "
        "FROM value_0001 v JOIN field f ON f.id = v.field_id WHERE f.origin <> 'snapshot'"
    )
    op.drop_table("value_0001")
    op.create_index("ix_value_field_id_number", "value", ["field_id", "number"])
    op.create_index("ix_series_field_id_minimum_maximum", "series", ["field_id", "minimum", "maximum"])


def _place_links() -> None:
    op.rename_table("link", "link_0001")
    if op.get_bind().dialect.name == "postgresql":
        for name in ("pk_link", "fk_link_scan_id_scan"):
            op.execute(f"ALTER TABLE link_0001 RENAME CONSTRAINT {name} TO {name}_0001")
    op.create_table(
        "link",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("file_id", _whole, nullable=False),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("filename", sa.Text, nullable=False),
        sa.Column("inner_path", sa.Text, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("integrated", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "file_id", "detector", name="pk_link"),
        _reference("scan_id", "link", "scan"),
        _reference("file_id", "link", "file"),
        sqlite_strict=True,
    )
    op.execute(
        "INSERT INTO link (scan_id, file_id, detector, filename, inner_path, target, integrated, state, problem) "
        "SELECT l.scan_id, o.file_id, l.detector, l.filename, l.inner_path, l.target, NULL, "
        "CASE WHEN l.target IS NULL THEN 'outside' ELSE 'missing' END, l.problem "
        "FROM link_0001 l JOIN location o ON o.scan_id = l.scan_id"
    )
    op.drop_table("link_0001")
    op.create_index("ix_link_file_id", "link", ["file_id"])


def _facts() -> None:
    op.create_table(
        "detector_file",
        sa.Column("file_id", _whole, nullable=False),
        sa.Column("inner_path", sa.Text, nullable=False),
        sa.Column("size", _whole, nullable=False),
        sa.Column("mtime_ns", _whole, nullable=False),
        sa.Column("frames", _whole),
        sa.Column("frame_shape", sa.Text),
        sa.Column("dtype", sa.Text),
        sa.Column("chunks", sa.Text),
        sa.Column("compression", sa.Text),
        sa.Column("energy_ev", _number),
        sa.Column("threshold_ev", _number),
        sa.Column("exposure_s", _number),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("file_id", "inner_path", name="pk_detector_file"),
        _reference("file_id", "detector_file", "file"),
        sqlite_strict=True,
    )
    op.create_table(
        "pattern_file",
        sa.Column("file_id", _whole, nullable=False),
        sa.Column("size", _whole, nullable=False),
        sa.Column("mtime_ns", _whole, nullable=False),
        sa.Column("generation", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("patterns", _whole),
        sa.Column("bins", _whole),
        sa.Column("sectors", _whole),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("file_id", name="pk_pattern_file"),
        _reference("file_id", "pattern_file", "file"),
        sqlite_strict=True,
    )
