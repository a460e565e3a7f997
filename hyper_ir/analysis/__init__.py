"""What the paper's figures 2 to 6 and its table 6 show, of any model and topics."""
