"""The picture in README: the output of `seawall status`."""
