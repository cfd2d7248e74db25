"""What users say of scans, and what logbooks say; the folder's name for a sample beside the user's.

Written out rather than taken from the package: a migration must still do the same when the package has moved on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_whole = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _reference(column: str, table: str, target: str, *, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}", ondelete=ondelete)


def upgrade() -> None:
    """Add what is new; samples have been called by their folders until now."""
    op.add_column("scan", sa.Column("folder", sa.Text))
    op.execute("UPDATE scan SET folder = sample")
    op.create_table(
        "mark",
        sa.Column("id", _whole, nullable=False),
        sa.Column("scan_id", _whole),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("proposal", sa.Text, nullable=False),
        sa.Column("visit", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mark"),
        _reference("scan_id", "mark", "scan", ondelete="SET NULL"),
        sqlite_strict=True,
    )
    op.create_index("ix_mark_scan_id", "mark", ["scan_id"])
    op.create_index("ix_mark_kind_text", "mark", ["kind", "text"])
    _logbooks()


def _logbooks() -> None:
    op.create_table(
        "logbook",
        sa.Column("id", _whole, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("synced_to", sa.Text),
        sa.Column("linked", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_logbook"),
        sa.UniqueConstraint("url", name="uq_logbook_url"),
        sqlite_strict=True,
    )
    op.create_table(
        "log_entry",
        sa.Column("id", _whole, nullable=False),
        sa.Column("logbook_id", _whole, nullable=False),
        sa.Column("number", _whole, nullable=False),
        sa.Column("thread", _whole, nullable=False),
        sa.Column("follows", _whole),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("authors", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text),
        sa.Column("version", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_entry"),
        sa.UniqueConstraint("logbook_id", "number", name="uq_log_entry_logbook_id_number"),
        _reference("logbook_id", "log_entry", "logbook", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_table(
        "log_link",
        sa.Column("scan_id", _whole, nullable=False),
        sa.Column("entry_id", _whole, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("scan_id", "entry_id", name="pk_log_link"),
        _reference("scan_id", "log_link", "scan", ondelete="CASCADE"),
        _reference("entry_id", "log_link", "log_entry", ondelete="CASCADE"),
        sqlite_strict=True,
    )
    op.create_index("ix_log_link_entry_id", "log_link", ["entry_id"])
