"""`python -m seawall.engine.standin`: the plugin process."""

from seawall.engine.standin.server import serve

serve()
