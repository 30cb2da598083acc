"""What keeps people unknown: pseudonyms, caps, and the search for what slipped through."""
