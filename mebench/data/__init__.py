"""Data sets, where they are looked for, and pools; `mebench.data.entries` lists them without torch."""
