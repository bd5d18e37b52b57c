"""From a benchmark file to trials: reading and checking it, its grid, what would run, how long it takes."""
