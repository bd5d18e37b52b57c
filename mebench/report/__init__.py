"""What people look at: one page about results, and figures."""
