"""Response channels: what a victim gives back; `mebench.oracle.oracle.channels.entries` lists them without torch."""
