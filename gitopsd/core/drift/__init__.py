"""What changed behind Git's back: the ledger, who wrote, and what is too old to go by."""
