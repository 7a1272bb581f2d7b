"""The HTTP routes: they map paths to handlers, and contain no logic."""
