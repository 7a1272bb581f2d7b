"""The status page: three static files without a build step, and the state that they show."""
