"""What ``mebench.run``, ``mebench.plan`` and ``mebench.results`` give: objects that show themselves as tables."""
