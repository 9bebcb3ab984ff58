"""What happens when: syncs, identity, consent views, metrics, the command line and the Dagster definitions."""
