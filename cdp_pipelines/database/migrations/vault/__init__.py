"""Migrations of the vault store, one file per version."""
