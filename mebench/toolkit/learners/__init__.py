"""Learners that several attacks share; `mebench.toolkit.learners.entries` lists them without torch."""
