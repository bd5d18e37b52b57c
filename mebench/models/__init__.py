"""Networks, the victims and clones that are made of them, and what is done to all of these."""
