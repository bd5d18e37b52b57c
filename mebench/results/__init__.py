"""Results on disk, and what is made of them: curves, leaderboards, comparisons, exports."""
