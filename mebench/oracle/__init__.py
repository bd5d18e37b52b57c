"""The only way to the victim: the oracle, its account, the channels, and what watches them."""
