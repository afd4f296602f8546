"""One file a page of the ceremony, plus the door in, the way back from the eID, and the pages of the footer."""
