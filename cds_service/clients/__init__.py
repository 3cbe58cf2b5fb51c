"""Who may call: the registered EHRs, what differs between them, and the tokens they sign."""
