"""docs/verification.md and README's table, generated from the results of test runs."""
