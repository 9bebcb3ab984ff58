"""Keeping the house: lake maintenance, pruning of Dagster's own records, the leak check."""
