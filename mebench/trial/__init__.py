"""One trial: its set-up, its loop, evaluation, checkpoints and result."""
