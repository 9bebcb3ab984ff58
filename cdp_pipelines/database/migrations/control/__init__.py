"""Migrations of the control store, one file per version."""
