"""What every other package uses: errors, locks, progress, waiting."""
