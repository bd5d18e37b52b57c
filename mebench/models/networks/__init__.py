"""Networks for victims and clones; `mebench.models.networks.entries` lists them without importing torch."""
