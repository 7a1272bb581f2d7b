"""What operators run: the `seawall` command, the embedded cluster, the engine and the builds."""
