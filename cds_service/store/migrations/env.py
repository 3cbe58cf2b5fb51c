"""Run by Alembic: migrates on the connection that `cds_service.store.migrate` holds the lock with."""

from __future__ import annotations

from alembic import context

from cds_service.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
