"""The pruning study: a grid of independent runs, its ledger and what it says."""
