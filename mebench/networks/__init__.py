"""Networks for victims and clones; `mebench.networks.entries` lists them without importing torch."""
