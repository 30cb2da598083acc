"""One module a layout: phantom patients as the download of a source would hold them."""
