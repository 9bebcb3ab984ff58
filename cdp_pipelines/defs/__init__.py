"""Dagster only: specs, factories, checks, jobs and schedules. Every body calls a function that runs without Dagster."""
