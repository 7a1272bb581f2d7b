"""The pure core: breakers, budgets, limits, load balancing and retry decisions.

It uses only the standard library, and callers pass the clock, so that tests need not wait.
"""
