"""What can be named in a benchmark file, and the plugins that name it. Imports no torch."""
