"""Maps of what a trained prior finds abnormal, over a dataset."""
