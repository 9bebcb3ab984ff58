"""Migrations of the mart store, one file per version."""
