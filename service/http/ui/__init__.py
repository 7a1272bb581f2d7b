"""The page for people: three static files without a build step, and the state that they show."""
