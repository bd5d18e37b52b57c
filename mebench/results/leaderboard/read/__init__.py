"""From files to what a leaderboard is computed from."""
