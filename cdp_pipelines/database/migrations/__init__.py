"""Alembic migrations, one folder per store. A new column needs the class in models/ and a migration here."""
