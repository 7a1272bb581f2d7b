"""The picture in README: what `seawall status` shows."""
