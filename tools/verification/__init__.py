"""docs/verification.md and README's table, made of the results of runs."""
