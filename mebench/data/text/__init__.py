"""Texts: words and their ids, data sets of texts, and the readers of published ones."""
