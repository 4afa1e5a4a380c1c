"""The operations on tensors, and the methods they attach to Tensor."""
