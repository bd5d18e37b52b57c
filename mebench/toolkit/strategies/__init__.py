"""What query strategies share: the loop of generator attacks, and pools."""
