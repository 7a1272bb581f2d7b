"""The tools of operators: the `seawall` command, the embedded cluster, the engine, the builds."""
