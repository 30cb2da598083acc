"""Scans of whatever format through a finished run and back: what drives ``bundles/reconstruct.json``."""
