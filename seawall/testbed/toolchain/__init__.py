"""Install and build what is missing: Debian packages, Go modules, images; kept in one cache."""
