"""Helpers that every other package uses: errors, locks, progress, waiting."""
