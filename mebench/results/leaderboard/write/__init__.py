"""From rows to tables in text, Markdown, CSV, JSON and LaTeX."""
