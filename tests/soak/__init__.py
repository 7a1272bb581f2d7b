"""`make soak`: what is long or random, and the tests that the clock judges, over and over."""
