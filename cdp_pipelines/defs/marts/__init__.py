"""The metric tables: one step that computes every metric and publishes all of them in one transaction."""
