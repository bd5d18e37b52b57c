"""Response channels: what a victim gives back; `mebench.oracle.channels.entries` lists them without torch."""
