"""Runs the migrations of one store on the connection ``upgrade_stores`` hands over."""

from alembic import context

import models.control
import models.marts
import models.vault  # noqa: F401 - the classes register their tables
from models.tables import STORES

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=STORES[context.config.attributes["store"]],
)
with context.begin_transaction():
    context.run_migrations()
