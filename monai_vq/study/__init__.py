"""The study: every latent trained on the same data, in the same order and network, and compared with its rate."""
