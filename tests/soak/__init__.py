"""`make soak`: long and random tests, and repeated rounds of the `timed` tests."""
