"""Migrations of the profile store, one file per version."""
