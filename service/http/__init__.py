"""The HTTP server, its connections, the routes and the status page."""
