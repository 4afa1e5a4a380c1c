"""What runs in which order, and where it is kept: fusion, storage folding, shared sums, scratch memory."""
