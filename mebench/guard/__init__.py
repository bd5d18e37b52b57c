"""Around the code of plugins: whatever it does, the error names it, and what runs next is not changed by it."""
