"""torch.nn.utils: gradients clipped, parameters as one vector."""

from funcgrad.torch.nn.utils.clip import (
    clip_grad_norm_,
    clip_grad_value_,
    parameters_to_vector,
    vector_to_parameters,
)

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]
