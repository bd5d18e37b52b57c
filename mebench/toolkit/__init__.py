"""What attacks are made of: strategies, learners, losses, schedules."""
