"""Turns downloads of brain MRI into prepared datasets: `python -m data_prep --help`."""
