"""The pure core: breaker, budgets, deadlines and retry decisions.

Standard library only and no clock of its own, so that every rule here is tested without waiting.
"""
