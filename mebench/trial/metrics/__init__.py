"""What a clone is measured by, and when."""
