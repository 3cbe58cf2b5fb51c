"""What was shown, what became of it, and the ids of tokens that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_DIGEST, _NAME, _TEXT = sa.String(64), sa.String(128), sa.String(255)
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "shown_card",
        sa.Column("card", _TEXT, nullable=False),
        sa.Column("client", _NAME, nullable=False),
        sa.Column("patient", _DIGEST, nullable=False),
        sa.Column("hook_instance", _TEXT, nullable=False),
        sa.Column("shown_at", _MOMENT, nullable=False),
        sa.Column("guideline", _NAME, nullable=False),
        sa.Column("edition", _NAME, nullable=False),
        sa.Column("topic", _NAME, nullable=False),
        sa.Column("indicator", _NAME, nullable=False),
        sa.Column("inputs_digest", _DIGEST, nullable=True),
        sa.PrimaryKeyConstraint("card", name="pk_shown_card"),
    )
    op.create_index("ix_shown_card_client_patient", "shown_card", ["client", "patient"])
    op.create_index("ix_shown_card_shown_at", "shown_card", ["shown_at"])
    op.create_table(
        "shown_recommendation",
        sa.Column("card", _TEXT, nullable=False),
        sa.Column("code", _NAME, nullable=False),
        sa.PrimaryKeyConstraint("card", "code", name="pk_shown_recommendation"),
        sa.ForeignKeyConstraint(["card"], ["shown_card.card"], name="fk_shown_recommendation_card"),
    )
    op.create_table(
        "shown_suggestion",
        sa.Column("suggestion", _TEXT, nullable=False),
        sa.Column("card", _TEXT, nullable=False),
        sa.Column("code", _NAME, nullable=False),
        sa.PrimaryKeyConstraint("suggestion", name="pk_shown_suggestion"),
        sa.ForeignKeyConstraint(["card"], ["shown_card.card"], name="fk_shown_suggestion_card"),
    )
    op.create_table(
        "feedback",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("card", _TEXT, nullable=False),
        sa.Column("client", _NAME, nullable=False),
        sa.Column("outcome", _NAME, nullable=False),
        sa.Column("outcome_at", _MOMENT, nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("reason_system", _TEXT, nullable=True),
        sa.Column("reason_code", _TEXT, nullable=True),
        sa.Column("reason_display", _TEXT, nullable=True),
        sa.Column("commented", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_feedback"),
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_table(
        "feedback_suggestion",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("suggestion", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("digest", "suggestion", name="pk_feedback_suggestion"),
        sa.ForeignKeyConstraint(["digest"], ["feedback.digest"], name="fk_feedback_suggestion_digest"),
    )
    op.create_table(
        "used_token",
        sa.Column("digest", _DIGEST, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_used_token"),
    )
    op.create_index("ix_used_token_until", "used_token", ["until"])


def downgrade() -> None:
    """Remove them, with all that was kept."""
    for table in (
        "used_token",
        "feedback_suggestion",
        "feedback",
        "shown_suggestion",
        "shown_recommendation",
        "shown_card",
    ):
        op.drop_table(table)
