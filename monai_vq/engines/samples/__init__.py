"""Drawing samples from a trained prior, storing and judging them."""
