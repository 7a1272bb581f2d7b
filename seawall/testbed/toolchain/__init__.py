"""Installs and builds missing Debian packages, Go programs and images; one cache keeps builds."""
