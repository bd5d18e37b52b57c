"""From trials to rows with statistics, ranks and pairs."""
